/** One edit from text to text. modify_workflow runs it in a thread when the graph is large. */
import { randomUUID } from 'node:crypto';
import { editGraph } from '../../domain/edit/edit-graph.ts';
import type { Edge, Graph } from '../../domain/graph/graph.ts';
import type { GraphEdit } from '../../domain/edit/graph-edit.ts';
import { toJsonText } from '../../domain/text/json-text.ts';
import { exceededLimit, MAX_GRAPH_BYTES } from '../../domain/graph/limits.ts';
import { problem } from '../../domain/rules/finding.ts';
import type { ProjectFacts } from '../../domain/rules/project-facts.ts';
import type { PythonChecker } from '../../domain/rules/python.ts';
import { isLargerThan } from '../../domain/text/utf8-bytes.ts';
import { fitResult } from './fit-result.ts';

export interface EditTask {
  /** JSON texts of a Graph and of a GraphEdit. */
  graph: string;
  edit: string;
  aliases: ReadonlyMap<string, string>;
  project: ProjectFacts;
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
  const { aliases, project } = task;
  const before = JSON.parse(task.graph) as Graph;
  const outcome = editGraph({
    graph: before,
    edit: JSON.parse(task.edit) as GraphEdit,
    newId: randomUUID,
    aliases,
    ports: { python, project },
  });
  if (!outcome.applied)
    return { result: fitResult({ applied: false, problems: outcome.problems }), isError: true };
  // Stored blocks may nest deeper than a call's arguments may.
  const graph = toJsonText(outcome.graph);
  if (isLargerThan(graph, MAX_GRAPH_BYTES) && graph.length > task.graph.length)
    return { result: { applied: false, problems: [tooLarge(outcome.graph, graph)] }, isError: true };
  const { changes, warnings } = outcome;
  return {
    result: fitResult({ applied: true, changes, warnings, graph: describeGraph(outcome.graph) }),
    isError: false,
    changed: { graph, aliases: outcome.aliases },
  };
}

/** The part of a graph that a tool result shows. */
export function describeGraph(graph: Graph): {
  blocks: { id: string; name: string; type: string }[];
  edges: Edge[];
} {
  return { blocks: graph.blocks.map(({ id, name, type }) => ({ id, name, type })), edges: graph.edges };
}

function tooLarge({ blocks, edges }: Graph, text: string) {
  const size = { blocks: blocks.length, edges: edges.length, bytes: Buffer.byteLength(text) };
  const excess = exceededLimit(size) ?? 'is too large';
  return problem('config_too_large/graph', { block: null, field: null }, { excess });
}
