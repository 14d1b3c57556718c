import { z } from 'zod';
import type { ListedKind, PageEnd } from '../../db/assets/asset-lists.ts';
import { hideSecrets } from '../../domain/text/hide-secrets.ts';
import { parseJsonObject } from '../../domain/text/json.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { MAX_RESULT_CHARS } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure } from './tool.ts';

const MAX_DESCRIPTION_CHARS = 200;
/** Characters that counts, cursors and a hint may take. */
const FRAME_CHARS = 1_500;

const input = z.object({
  kinds: z
    .array(z.enum(['agents', 'knowledge_bases', 'sources', 'orchestrations', 'workflows']))
    .min(1)
    .optional(),
  search: z.string().max(200).optional().describe('A part of name or description'),
  limit: z.int().min(1).max(100).optional().describe('Per kind; default 50'),
  cursor: z.string().max(2_000).optional().describe('next_cursor of a kind'),
});

/** Lists the project's assets. */
export function createListProjectAssetsTool({ project }: Pick<ToolDeps, 'project'>): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Lists the project's assets with their ids. Use it before you refer to one.
Example: {"kinds":["agents"],"search":"support"}`,
    input,
    preview: ({ kinds }) => (kinds ?? ['all kinds']).join(', '),
    async run({ kinds, search, limit, cursor }) {
      const from = cursor === undefined ? null : readCursor(cursor);
      if (cursor !== undefined && from === null)
        return toolFailure(
          'invalid_cursor',
          'This cursor is none of ours.',
          'Use next_cursor as it was given, or leave it out.',
        );
      const wanted = from ? [from.kind] : [...new Set(kinds ?? KINDS)];
      const text = search?.replaceAll('\0', '').toWellFormed().trim() ?? '';
      const size = limit ?? 50;
      const result: Record<string, object> = {};
      let room = MAX_RESULT_CHARS - FRAME_CHARS;
      for (const kind of wanted) {
        const { total, items } = await project.listAssets(kind, {
          search: text === '' ? null : text,
          after: from?.end ?? null,
          limit: size + 1,
        });
        const shown = [];
        for (const item of items.slice(0, size)) {
          const short = hideSecrets(withShortDescription(item)) as typeof item;
          room -= JSON.stringify(short).length + 1;
          if (room < 0) break;
          shown.push(short);
        }
        const last = items[shown.length - 1];
        const more = items.length > shown.length;
        const end = last ? { name: last.name.toLowerCase(), id: last.id } : (from?.end ?? null);
        result[kind] = {
          total,
          items: shown,
          next_cursor: more ? writeCursor(kind, end) : null,
          ...(more && shown.length < size ? { truncated: true } : {}),
        };
      }
      return { result, isError: false };
    },
  });
}

const KINDS: readonly ListedKind[] = ['agents', 'knowledge_bases', 'sources', 'orchestrations', 'workflows'];

function withShortDescription<T extends Record<string, unknown>>(item: T): T {
  const { description } = item;
  if (typeof description !== 'string' || description.length <= MAX_DESCRIPTION_CHARS) return item;
  return {
    ...item,
    description: `${description.slice(0, MAX_DESCRIPTION_CHARS).toWellFormed()}... [truncated]`,
  };
}

function writeCursor(kind: ListedKind, end: PageEnd | null): string {
  return Buffer.from(JSON.stringify({ kind, ...end })).toString('base64url');
}

function readCursor(text: string): { kind: ListedKind; end: PageEnd | null } | null {
  const value = parseJsonObject(Buffer.from(text, 'base64url').toString());
  if (!value || !KINDS.includes(value.kind as ListedKind)) return null;
  const kind = value.kind as ListedKind;
  const { name, id } = value;
  if (name === undefined && id === undefined) return { kind, end: null };
  if (typeof name !== 'string' || typeof id !== 'string' || !isUuid(id) || /\0/.test(name)) return null;
  return { kind, end: { name: name.toWellFormed(), id } };
}
