import { z } from 'zod';
import { isTaskTooLarge } from '../../contracts/thrown-codes.ts';
import type { Json } from '../../domain/text/json-value.ts';
import { mayHoldPlaceholder, placeholderWords } from '../../domain/rules/check-secrets.ts';
import { findMentions } from '../../domain/rules/project-facts.ts';
import { editAndTry, tryArgument } from './edit-and-try.ts';
import type { EditTask } from './run-edit.ts';
import { defineTool, type Tool, type ToolContext, type ToolDeps, toolFailure } from './tool.ts';

// domain/edit/graph-edit.ts checks the arguments. This schema is what the model reads.
const config = z.record(z.string(), z.unknown());
const position = config.describe('{x, y}');
const ends = { source: z.string(), target: z.string() };

const input = z.object({
  add_blocks: z
    .array(
      z.object({
        id: z.string().optional().describe('A name of your own, for edges and later calls'),
        type: z.string(),
        name: z.string(),
        config: config.optional(),
        position: position.optional(),
      }),
    )
    .optional(),
  update_blocks: z
    .array(
      z.object({
        id: z.string(),
        config: config.optional().describe('Merged into the config'),
        name: z.string().optional().describe('References follow the new name'),
        position: position.optional(),
        enabled: z.boolean().optional(),
      }),
    )
    .optional(),
  remove_blocks: z.array(z.string()).optional(),
  add_edges: z
    .array(
      z.object({
        ...ends,
        sourceHandle: z
          .string()
          .optional()
          .describe('Only out of a condition (if, elif_1, ..., else) or a split ("1", "2", ...)'),
      }),
    )
    .optional(),
  remove_edges: z.array(z.object({ ...ends, sourceHandle: z.string().optional() })).optional(),
  try: tryArgument.optional(),
});

type Edit = z.infer<typeof input>;

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
  return defineTool<Edit>({
    description: `Changes the workflow on the canvas. A call applies as a whole, or changes nothing and says what to correct: put a new block and its edges into one call. Name a block by its id, the id that you gave it in this turn, or its name. New blocks are placed for you. Inside the config of an update null removes the key; everywhere else null means left out. try runs the changed graph dry: path, what each block gets, failures; alone it changes nothing.
Example: {"add_blocks":[{"id":"notify","type":"general_api","name":"Notify","config":{"url":"https://example.com/hook","method":"POST"}}],"add_edges":[{"source":"Summarise","target":"notify"}]}`,
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
      const [{ text, aliases, turnStart }, project] = await Promise.all([
        context.workingGraph(),
        deps.project.loadProjectFacts(findMentions(edit as Json), deps.assets.models()),
      ]);
      const editText = JSON.stringify(edit);
      const typed = await typedPlaceholders([editText, text], context);
      const task: EditTask = { graph: text, edit: editText, aliases, project, turnStart, typed };
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

/** The placeholder words that the user typed. They are read only when the edit or the graph may hold a placeholder. */
async function typedPlaceholders(texts: readonly string[], context: ToolContext): Promise<Set<string>> {
  if (!texts.some(mayHoldPlaceholder)) return new Set();
  return new Set((await context.userMessages()).flatMap(placeholderWords));
}
