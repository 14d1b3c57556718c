/** One edit of a graph by the model: atomic, judged by what it introduces. */
import type { Graph } from '../graph/graph.ts';
import type { RulePorts } from '../rules/check-config.ts';
import { MAX_BLOCKS } from '../rules/check-graph.ts';
import { Draft } from './draft.ts';
import { emptyEdit } from './edit-problems.ts';
import { checkEditShape, type GraphEdit } from './graph-edit.ts';
import { type EditOutcome, judgeEdit } from './judge-edit.ts';

/**
 * Applies an edit, or returns its problems. `aliases` come from earlier edits of the turn. When a block's id is its name (an
 * editor that sends names as ids), a rename gives the block a new id. `turnStart` is the graph with which the turn began, when
 * an earlier edit of the turn has changed it. Takes any JSON as the edit, and never throws.
 */
export function editGraph(input: {
  graph: Graph;
  edit: GraphEdit;
  newId: () => string;
  aliases: ReadonlyMap<string, string>;
  turnStart?: Graph | undefined;
  ports?: RulePorts;
}): EditOutcome {
  const { edit, turnStart, ports = {} } = input;
  const malformed = checkEditShape(edit);
  if (malformed) return { applied: false, problems: [malformed] };
  const draft = new Draft(input.graph, input.aliases, ports);
  if (isEmptyEdit(edit)) {
    return {
      applied: false,
      problems: [emptyEdit()],
    };
  }
  const unplaced = new Set<string>();
  draft.foresee(edit);
  for (const added of edit.add_blocks ?? []) draft.addBlock(added, input.newId, unplaced);
  for (const update of edit.update_blocks ?? []) draft.updateBlock(update);
  for (const edge of edit.remove_edges ?? []) draft.removeEdge(edge);
  for (const ref of edit.remove_blocks ?? []) draft.removeBlock(ref);
  for (const edge of edit.add_edges ?? []) draft.addEdge(edge);
  if (unplaced.size <= MAX_BLOCKS) draft.place(unplaced);
  return judgeEdit(draft.finish(), { original: input.graph, turnStart }, ports);
}

/** Whether an edit changes nothing. */
export function isEmptyEdit(edit: GraphEdit): boolean {
  const parts = [edit.add_blocks, edit.update_blocks, edit.remove_blocks, edit.add_edges, edit.remove_edges];
  return parts.every((part) => !part || part.length === 0);
}
