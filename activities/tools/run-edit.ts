/** One edit from text to text. modify_workflow runs it in a thread when the graph is large. */
import { randomUUID } from 'node:crypto';
import { editGraph } from '../../domain/edit/edit-graph.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import type { GraphEdit } from '../../domain/edit/graph-edit.ts';
import { toJsonText } from '../../domain/text/json-text.ts';
import { exceededLimit, MAX_GRAPH_BYTES } from '../../domain/graph/limits.ts';
import { type Problem, problem } from '../../domain/rules/finding.ts';
import type { ProjectFacts } from '../../domain/rules/project-facts.ts';
import type { PythonChecker } from '../../domain/rules/python.ts';
import { isLargerThan } from '../../domain/text/utf8-bytes.ts';
import { describeEdit, describeProblem } from './describe-edit.ts';
import { fitResult } from './fit-result.ts';

export interface EditTask {
  /** JSON texts of a Graph and of a GraphEdit. */
  graph: string;
  edit: string;
  aliases: ReadonlyMap<string, string>;
  project: ProjectFacts;
  /** The JSON text of the graph with which the turn began. Null or absent when no edit of the turn has changed it. */
  turnStart?: string | null;
  /** The placeholder words of the user's messages. */
  typed?: ReadonlySet<string>;
}

export interface EditResult {
  /** The tool's result, cut to its size. */
  result: Record<string, unknown>;
  isError: boolean;
  /** Absent when the edit was not applied. */
  changed?: { graph: string; aliases: ReadonlyMap<string, string> };
}

/** Applies an edit and renders the tool's result. */
export function runEdit(task: EditTask, python: PythonChecker): EditResult {
  const { aliases, project, typed, turnStart } = task;
  const before = JSON.parse(task.graph) as Graph;
  const outcome = editGraph({
    graph: before,
    edit: JSON.parse(task.edit) as GraphEdit,
    newId: randomUUID,
    aliases,
    turnStart: turnStart ? (JSON.parse(turnStart) as Graph) : undefined,
    ports: { python, project, typed },
  });
  if (!outcome.applied) return refuse(outcome.problems);
  // Stored blocks may nest deeper than a call's arguments may.
  const graph = toJsonText(outcome.graph);
  if (isLargerThan(graph, MAX_GRAPH_BYTES) && graph.length > task.graph.length)
    return refuse([tooLarge(outcome.graph, graph)]);
  return {
    result: fitResult(describeEdit(before, outcome)),
    isError: false,
    changed: { graph, aliases: outcome.aliases },
  };
}

function refuse(problems: readonly Problem[]): EditResult {
  return {
    result: fitResult({ applied: false, problems: problems.map(describeProblem) }),
    isError: true,
  };
}

function tooLarge({ blocks, edges }: Graph, text: string) {
  const size = { blocks: blocks.length, edges: edges.length, bytes: Buffer.byteLength(text) };
  const excess = exceededLimit(size) ?? 'is too large';
  return problem('config_too_large/graph', { block: null, field: null }, { excess });
}
