import { z } from 'zod';
import type { ListedKind } from '../../db/assets/asset-lists.ts';
import { nearestNames } from '../../domain/rules/block-registry.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { HIDDEN, hideSecrets } from '../../domain/text/hide-secrets.ts';
import { isObject } from '../../domain/text/json.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { fitResult } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure } from './tool.ts';

/** As the API page says. */
const MAX_PROMPT_CHARS = 1_000;
const NEAREST_OF = 1_000;

const LISTS = {
  agent: 'agents',
  knowledge_base: 'knowledge_bases',
  source: 'sources',
  orchestration: 'orchestrations',
  workflow: 'workflows',
} as const satisfies Record<string, ListedKind>;

const input = z.object({
  kind: z.enum(['agent', 'knowledge_base', 'source', 'orchestration', 'workflow']),
  id: z.string().max(300).describe('Id or unique name'),
});

/** Shows one asset in full, without its secrets. */
export function createGetAssetDetailsTool({ project }: Pick<ToolDeps, 'project'>): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Shows the configuration of one asset (secrets hidden, a long system prompt cut) and what uses it. Not for the open workflow.
Example: {"kind":"agent","id":"Support"}`,
    input,
    preview: ({ kind }) => kind,
    async run({ kind, id }) {
      const list = LISTS[kind];
      const label = kind.replace('_', ' ');
      const ref = id.replaceAll('\0', '').toWellFormed().trim();
      let assetId = ref;
      let asset = isUuid(ref) ? await project.findFullAsset(list, ref) : null;
      if (!asset) {
        const ids = await project.findIdsByName(list, ref);
        if (ids.length > 1)
          return toolFailure(
            'ambiguous',
            `Several ${label}s are named ${ref.slice(0, 100)}.`,
            `Give an id: ${ids.join(', ')}`,
          );
        assetId = ids[0] ?? ref;
        asset = ids[0] === undefined ? null : await project.findFullAsset(list, assetId);
      }
      if (!asset) {
        const nearest = nearestNames(ref, await project.listNames(list, NEAREST_OF), 3);
        return toolFailure(
          'not_found',
          `There is no ${label} ${ref.slice(0, 100)}.`,
          `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}list_project_assets lists them.`,
        );
      }
      const used_by = await project.listUsers(list, assetId.toLowerCase());
      return { result: fitResult({ kind, ...present(asset), used_by }), isError: false };
    },
  });
}

function present(asset: JsonObject): JsonObject {
  const shown = { ...asset };
  if (typeof shown.system_prompt === 'string' && shown.system_prompt.length > MAX_PROMPT_CHARS)
    shown.system_prompt = `${shown.system_prompt.slice(0, MAX_PROMPT_CHARS).toWellFormed()}... [truncated]`;
  // A header of any name may hold a secret.
  if (Array.isArray(shown.mcp_servers)) {
    shown.mcp_servers = shown.mcp_servers.map((server) =>
      isObject(server) && isObject(server.headers)
        ? { ...server, headers: Object.fromEntries(Object.keys(server.headers).map((key) => [key, HIDDEN])) }
        : server,
    );
  }
  return hideSecrets(shown) as JsonObject;
}
