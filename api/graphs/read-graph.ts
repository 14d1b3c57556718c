/** Reads the body of PUT graph. Checks what the schema can't express, and names the block or edge that is wrong. */
import { z } from 'zod';
import { saveGraphRequest } from '../../contracts/http/workflows.ts';
import { edgeKey, toEdge } from '../../domain/graph/edge.ts';
import type { Block, Edge, Graph } from '../../domain/graph/graph.ts';
import { exceededLimit } from '../../domain/graph/limits.ts';
import { handlesOf } from '../../domain/rules/block-registry.ts';
import { isObject } from '../../domain/text/json.ts';
import { sizeProblem } from './canvas.ts';

type Saved = z.output<typeof saveGraphRequest>;

/** The lists are counted before their items are read. */
export const graphBody = z
  .preprocess((body, ctx) => {
    const exceeded = countProblem(body);
    if (exceeded !== null) ctx.addIssue(`The workflow ${exceeded}`);
    return body;
  }, saveGraphRequest)
  .transform(({ version, ...saved }, ctx) => {
    const read = readGraph(saved);
    if ('problem' in read) {
      ctx.addIssue(read.problem);
      return z.NEVER;
    }
    return { graph: read.graph, version: version ?? null };
  });

function countProblem(body: unknown): string | null {
  if (!isObject(body) || !Array.isArray(body.blocks) || !Array.isArray(body.edges)) return null;
  return exceededLimit({ blocks: body.blocks.length, edges: body.edges.length });
}

/** The message of an issue, after its place: `blocks[3] (name): `. */
export function explainGraphIssue(issue: z.core.$ZodIssue, body: unknown): string {
  const [, list, index, field] = issue.path;
  if (typeof index !== 'number') return issue.message;
  const where = `${String(list)}[${index}]`;
  if (field === undefined) return `${where} ${issue.message}`;
  const items: unknown = isObject(body) ? body[String(list)] : null;
  const item: unknown = Array.isArray(items) ? items[index] : null;
  if (list === 'edges' || field === 'id' || !isObject(item)) return `${where}: ${issue.message}`;
  // Fields that were checked before this one are valid, so the block's name can be shown.
  const name = field === 'type' || field === 'name' ? item.id : item.name;
  return `${where} (${typeof name === 'string' ? name : ''}): ${issue.message}`;
}

function readGraph({ blocks, edges }: Omit<Saved, 'version'>): { graph: Graph } | { problem: string } {
  const byId = new Map<string, Block>();
  for (const [index, given] of blocks.entries()) {
    const block = toBlock(given);
    if (byId.has(block.id))
      return { problem: `blocks[${index}]: the id ${block.id} names another block already` };
    byId.set(block.id, block);
  }
  const list: Edge[] = [];
  const keys = new Set<string>();
  for (const [index, given] of edges.entries()) {
    const read = readEdge(given, byId);
    if ('problem' in read) return { problem: `edges[${index}]: ${read.problem}` };
    const { edge } = read;
    if (keys.has(edgeKey(edge)))
      return { problem: `edges[${index}]: the edge ${edge.source} -> ${edge.target} is there twice` };
    keys.add(edgeKey(edge));
    list.push(edge);
  }
  const graph = { blocks: [...byId.values()], edges: list };
  const exceeded = sizeProblem(graph, graph);
  return exceeded === null ? { graph } : { problem: `The workflow: ${exceeded}` };
}

function toBlock({ id, type, name, position, config, enabled }: Saved['blocks'][number]): Block {
  return {
    id: id.toLowerCase(),
    type,
    name,
    position: position ?? { x: 0, y: 0 },
    config: config ?? {},
    enabled: enabled ?? true,
  };
}

function readEdge(
  given: Saved['edges'][number],
  blocks: ReadonlyMap<string, Block>,
): { edge: Edge } | { problem: string } {
  const source = blocks.get(given.source.toLowerCase());
  if (!source) return { problem: 'source must be the id of one of the blocks' };
  const target = blocks.get(given.target.toLowerCase());
  if (!target) return { problem: 'target must be the id of one of the blocks' };
  const edge = toEdge({ source: source.id, target: target.id, sourceHandle: given.sourceHandle });
  const handles = handlesOf(source);
  if (source === target) return { problem: `${source.name} can't be connected to itself` };
  if (edge.sourceHandle !== undefined && handles.length === 0) {
    const handle = edge.sourceHandle.slice(0, 50);
    return { problem: `an edge out of ${source.name} must not have the sourceHandle ${handle}` };
  }
  if (handles.length > 0 && (edge.sourceHandle === undefined || !handles.includes(edge.sourceHandle))) {
    const some = handles.slice(0, 20).join(', ');
    return { problem: `an edge out of ${source.name} needs one of the sourceHandles ${some}` };
  }
  return { edge };
}
