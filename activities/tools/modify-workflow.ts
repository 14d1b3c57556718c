import { z } from 'zod';
import { isTaskTooLarge } from '../../contracts/thrown-codes.ts';
import type { Json } from '../../domain/text/json-value.ts';
import { findMentions } from '../../domain/rules/project-facts.ts';
import { editAndTry, tryArgument } from './edit-and-try.ts';
import type { EditTask } from './run-edit.ts';
import { defineTool, type Tool, type ToolDeps, toolFailure } from './tool.ts';

const ref = z.string().describe('A block id, an id given earlier in this turn, or a unique block name');
const position = z.object({ x: z.number(), y: z.number() });
const config = z.record(z.string(), z.json()).describe('Fields of the block type, see get_block_info');
const edge = z.object({
  source: ref,
  target: ref,
  sourceHandle: z
    .string()
    .nullish()
    .describe('Only for condition (if, elif_1, ..., else) and split ("1", "2", ...) blocks'),
});

const input = z.object({
  add_blocks: z
    .array(
      z.object({
        id: z.string().nullish().describe('A name of your own for the block, to refer to it in this turn'),
        type: z.string(),
        name: z.string(),
        config: config.nullish(),
        position: position.nullish(),
      }),
    )
    .optional(),
  remove_blocks: z.array(ref).optional(),
  update_blocks: z
    .array(
      z.object({
        id: ref,
        config: config.nullish().describe('JSON merge patch (RFC 7396): keys merge, null removes a key'),
        name: z.string().nullish().describe('Renames the block and every reference to it'),
        position: position.nullish(),
        enabled: z.boolean().nullish(),
      }),
    )
    .optional(),
  add_edges: z.array(edge).optional(),
  remove_edges: z.array(edge).optional(),
  try: tryArgument.nullish(),
});

const count = (list: unknown, sign: string, noun: string): string[] =>
  Array.isArray(list) && list.length > 0
    ? [`${sign}${list.length} ${noun}${list.length === 1 ? '' : 's'}`]
    : [];

type ModifyWorkflowDeps = Pick<ToolDeps, 'python' | 'editGraph'> & {
  project: Pick<ToolDeps['project'], 'loadProjectFacts'>;
  assets: Pick<ToolDeps['assets'], 'models'>;
};

/** Changes the turn's working graph. Either the whole call is applied or nothing of it. */
export function createModifyWorkflowTool(deps: ModifyWorkflowDeps): Tool {
  return defineTool<z.infer<typeof input>>({
    description: `Adds, updates and removes blocks and edges of the workflow on the user's canvas. One call is atomic: it applies as a whole, or answers what to correct and changes nothing. Put everything that belongs together into one call: a new block and the edges that connect it. Look up a block type with get_block_info before you configure it for the first time. Not for agents, knowledge bases or other project assets. With try, the graph after the call is run dry on sample values: the result says which path is taken, what each block gets and where it fails; try alone changes nothing.
Example: {"add_blocks":[{"id":"notify","type":"general_api","name":"Notify Slack","config":{"url":"https://hooks.slack.com/services/...","method":"POST"}}],"add_edges":[{"source":"Summarise","target":"notify"}]}`,
    input,
    checksItself: true,
    preview: (edit) =>
      [
        ...count(edit.add_blocks, '+', 'block'),
        ...count(edit.update_blocks, '~', 'block'),
        ...count(edit.remove_blocks, '-', 'block'),
        ...count(edit.add_edges, '+', 'edge'),
        ...count(edit.remove_edges, '-', 'edge'),
        ...(edit.try ? ['a dry run'] : []),
      ].join(', ') || 'nothing',
    async run(edit, context) {
      const [{ text, aliases }, project] = await Promise.all([
        context.workingGraph(),
        deps.project.loadProjectFacts(findMentions(edit as Json), deps.assets.models()),
      ]);
      const task: EditTask = { graph: text, edit: JSON.stringify(edit), aliases, project };
      try {
        const { result, isError, changed } = deps.editGraph
          ? await deps.editGraph(task, context.signal)
          : editAndTry(task, deps.python);
        return {
          result,
          isError,
          ...(changed ? { graph: { text: changed.graph, aliases: changed.aliases } } : {}),
        };
      } catch (error: unknown) {
        if (!isTaskTooLarge(error)) throw error;
        return toolFailure(
          'too_complex',
          'The edit could not be checked in time; nothing was changed.',
          'Make smaller edits: fewer blocks at once, shorter code and configs.',
        );
      }
    },
  });
}
