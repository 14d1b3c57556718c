import { z } from 'zod';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { toTryInput } from '../../domain/dry-run/from-run.ts';
import { hideSecrets } from '../../domain/text/hide-secrets.ts';
import { shortenInside } from '../../domain/text/shorten-inside.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { MAX_RESULT_CHARS } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure } from './tool.ts';

const MAX_ERROR_CHARS = 2_000;

const input = z.object({
  execution_id: z.string().max(200).optional().describe('One run, for the logs of its blocks'),
  status: z.enum(['pending', 'running', 'completed', 'failed']).optional(),
  limit: z.int().min(1).max(20).optional().describe('Runs at most, 5 unless given'),
  block: z.string().max(300).optional().describe('With execution_id: only this block, by name or id'),
  for_try: z
    .boolean()
    .optional()
    .describe("With execution_id: only the values of the run, as modify_workflow's try takes them"),
});

/** Shows past runs of the session's workflow. Runs of other workflows are not found. */
export function createGetWorkflowRunLogsTool({ project }: Pick<ToolDeps, 'project'>): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Shows past runs of the workflow that is open. Without arguments: the newest runs with status, error and failing block. With execution_id: what each block of that run got and gave. Use it to find out why a run failed before you change anything.
Example: {"status":"failed","limit":1}`,
    input,
    preview: ({ execution_id: id }) => (id === undefined ? 'runs' : 'one run'),
    async run({ execution_id: id, status, limit, block, for_try: forTry }, { workflowId }) {
      if (id === undefined) {
        const runs = await project.listRuns(workflowId, { status: status ?? null, limit: limit ?? 5 });
        const shown = runs.map((run) => cut(run));
        return {
          result: {
            runs: shown,
            ...(runs.length === 0
              ? { hint: status ? `No run of this workflow is ${status}.` : 'This workflow has not run yet.' }
              : { hint: 'For the logs of a run, ask with its execution_id.' }),
          },
          isError: false,
        };
      }
      const name = block?.replaceAll('\0', '').toWellFormed().trim() ?? null;
      const found = isUuid(id) ? await project.findRun(workflowId, id, name) : null;
      if (!found)
        return toolFailure(
          'not_found',
          'This workflow has no run with that id.',
          'Call it without arguments for the newest runs.',
        );
      if (forTry) {
        const values = { try: toTryInput(found.input, found.logs) };
        return { result: shortenInside(hideSecrets(values), MAX_RESULT_CHARS) as object, isError: false };
      }
      const logs = found.logs.map((log) => cut(log));
      const whole = {
        run: cut(found.run),
        input: hideSecrets(found.input),
        output: hideSecrets(found.output),
        blocks: logs,
        ...(name !== null && logs.length === 0
          ? { hint: `No block ${name.slice(0, 100)} ran in this run.` }
          : {}),
      };
      return { result: shortenInside(whole, MAX_RESULT_CHARS) as object, isError: false };
    },
  });
}

/** Errors may be pages long, and may quote a request with its key. */
function cut(row: JsonObject): JsonObject {
  const hidden = hideSecrets(row) as JsonObject;
  if (typeof hidden.error !== 'string' || hidden.error.length <= MAX_ERROR_CHARS) return hidden;
  return { ...hidden, error: `${hidden.error.slice(0, MAX_ERROR_CHARS).toWellFormed()}... [truncated]` };
}
