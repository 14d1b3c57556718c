import { z } from 'zod';
import type { RunDetails, RunStatus } from '../../db/assets/run-logs.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { withoutNulls } from '../../domain/text/json.ts';
import { toTryInput } from '../../domain/dry-run/from-run.ts';
import { hideSecrets } from '../../domain/text/hide-secrets.ts';
import { shortenInside } from '../../domain/text/shorten-inside.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { MAX_RESULT_CHARS } from './fit-result.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure, type ToolOutcome } from './tool.ts';

const MAX_ERROR_CHARS = 2_000;

const input = z.object({
  execution_id: z.string().max(200).optional(),
  status: z.enum(['pending', 'running', 'completed', 'failed']).optional(),
  limit: z.int().min(1).max(20).optional().describe('Default 5'),
  block: z.string().max(300).optional().describe('Name or id'),
  for_try: z.boolean().optional().describe('Of one run only what modify_workflow takes as try'),
});
type Input = z.infer<typeof input>;

/** Shows past runs of the session's workflow. Runs of other workflows are not found. */
export function createGetWorkflowRunLogsTool({ project }: Pick<ToolDeps, 'project'>): Tool {
  return defineTool<Input>({
    description: `Shows past runs of the open workflow, newest first: status, error, failing block. For one run (limit 1, or execution_id) also input and output of the run and of each block, as logged. With block: its logs in each run. Use it before you mend a failed run.
Example: {"status":"failed","limit":1}`,
    input,
    preview: ({ execution_id: id }) => (id === undefined ? 'runs' : 'one run'),
    async run(args, { workflowId }) {
      const block = args.block?.replaceAll('\0', '').toWellFormed().trim() ?? null;
      if (args.execution_id === undefined) return listNewest(project, workflowId, args, block);
      const id = args.execution_id;
      const found = isUuid(id) ? await project.findRun(workflowId, id, block) : null;
      if (!found)
        return toolFailure(
          'not_found',
          'This workflow has no run with that id.',
          'Call it without arguments for the newest runs.',
        );
      const { run, input: got, output: gave, logs } = found;
      if (args.for_try) return answer({ try: hideSecrets(toTryInput(got, logs)) });
      const whole = { run: cut(run), ...payload({ input: got, output: gave }), blocks: logs.map(cut) };
      return answer({ ...whole, ...missingBlock(block, [found]) });
    },
  });
}

async function listNewest(
  project: ToolDeps['project'],
  workflowId: string,
  { status = null, limit = 5 }: { status?: RunStatus | null | undefined; limit?: number | undefined },
  block: string | null,
): Promise<ToolOutcome> {
  const { total, orMore } = await project.countRuns(workflowId, status);
  const counted = { total: orMore ? `${total} or more` : total };
  if (total === 0) {
    const hint = status ? `No run of this workflow is ${status}.` : 'This workflow has not run yet.';
    return answer({ ...counted, runs: [], hint });
  }
  if (limit > 1 && block === null) {
    const runs = await project.listRuns(workflowId, { status, limit });
    const hint = 'For the blocks of a run, ask with its execution_id, or with limit 1 for the newest one.';
    return answer({ ...counted, runs: runs.map(cut), hint });
  }
  const found = await project.listRunDetails(workflowId, { status, limit, block });
  const runs = found.map(({ run, input: got, output: gave, logs }) => ({
    ...cut(run),
    ...(block === null ? payload({ input: got, output: gave }) : {}),
    blocks: logs.map(cut),
  }));
  return answer({ ...counted, runs, ...missingBlock(block, found) });
}

function answer(whole: JsonObject): ToolOutcome {
  return { result: shortenInside(whole, MAX_RESULT_CHARS) as object, isError: false };
}

/** A hint when a block was asked for that no run has logs of. */
function missingBlock(block: string | null, found: readonly RunDetails[]): { hint?: string } {
  if (block === null || found.some(({ logs }) => logs.length > 0)) return {};
  return {
    hint: `No block ${block.slice(0, 100)} ran in ${found.length === 1 ? 'this run' : 'these runs'}.`,
  };
}

/** The parts of a run or of a log that hold something, without their secrets. */
function payload(row: JsonObject): JsonObject {
  return hideSecrets(withoutNulls(row)) as JsonObject;
}

/** Errors may be pages long, and may quote a request with its key. */
function cut(row: JsonObject): JsonObject {
  const shown = payload(row);
  if (typeof shown.error !== 'string' || shown.error.length <= MAX_ERROR_CHARS) return shown;
  return { ...shown, error: `${shown.error.slice(0, MAX_ERROR_CHARS).toWellFormed()}... [truncated]` };
}
