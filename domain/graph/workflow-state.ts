/**
 * Parses the state that an editor sends into a graph. Several shapes are accepted, but every block needs a unique id. Faults
 * of the graph (dangling edges, cycles, equal names) are accepted, because the copilot can correct them.
 */
import { toEdge } from './edge.ts';
import type { Block, Edge, Graph } from './graph.ts';
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { exceededLimit, MAX_LABEL_CHARS } from './limits.ts';

/** The largest coordinate. Positions are stored as 32-bit floats, which lose a block's size beyond this. */
export const MAX_COORDINATE = 1e9;

export type ParsedState =
  | {
      ok: true;
      graph: Graph;
      /** The ids of blocks with an explicit `enabled`. All other blocks default to true. */
      enabledGiven: ReadonlySet<string>;
    }
  | { ok: false; problem: string };

/**
 * Parses `{nodes, edges}`: flat nodes (`{id, type, name, position, config, enabled?}`) and React Flow nodes
 * (`{id, data: {blockType | type, label | name, config}, position}`), which may be mixed.
 */
export function parseWorkflowState(state: unknown): ParsedState {
  if (!isObject(state)) return fail('must be an object with nodes and edges');
  const nodes = state.nodes ?? null;
  const edges = state.edges ?? [];
  // Refused: if missing nodes counted as none, a snapshot would delete every block of the workflow.
  if (nodes === null) return fail('nodes is required');
  if (!Array.isArray(nodes)) return fail('nodes must be a list');
  if (!Array.isArray(edges)) return fail('edges must be a list');
  const exceeded = exceededLimit({ blocks: nodes.length, edges: edges.length });
  if (exceeded !== null) return fail(exceeded);

  const blocks: Block[] = [];
  const seen = new Set<string>();
  const enabledGiven = new Set<string>();
  for (const [index, node] of nodes.entries()) {
    const where = `nodes[${index}]`;
    if (!isObject(node)) return fail(`${where} must be an object`);
    const id = toId(node.id);
    if (id === null) return fail(`${where} has no id`);
    if (seen.has(id)) return fail(`${where} has the id of another node: ${id.slice(0, 100)}`);
    seen.add(id);
    const data = isObject(node.data) ? node.data : {};
    const config = node.config ?? data.config ?? {};
    if (!isObject(config)) return fail(`${where} (${id.slice(0, 100)}): config must be an object`);
    const enabled = node.enabled ?? data.enabled;
    if (typeof enabled === 'boolean') enabledGiven.add(id);
    const type = firstText(data.blockType, data.type, node.type) ?? '';
    const name = firstText(data.label, data.name, node.name) ?? id;
    const label = Object.entries({ id, type, name }).find(([, text]) => text.length > MAX_LABEL_CHARS);
    if (label) return fail(`${where}: ${label[0]} has at most ${MAX_LABEL_CHARS} characters`);
    blocks.push({
      id,
      type,
      name,
      position: toPosition(node.position),
      config,
      enabled: enabled !== false,
    });
  }
  const parsed: Edge[] = [];
  for (const [index, edge] of edges.entries()) {
    const where = `edges[${index}]`;
    if (!isObject(edge)) return fail(`${where} must be an object`);
    const source = toId(edge.source);
    const target = toId(edge.target);
    if (source === null || target === null) return fail(`${where} needs a source and a target`);
    const { sourceHandle = null } = edge;
    // The handles of a split are numbers as text. A number is accepted too.
    const handle = sourceHandle === '' ? '' : toId(sourceHandle);
    if (handle === null && sourceHandle !== null) return fail(`${where}: sourceHandle must be text`);
    if ([source, target, handle ?? ''].some((text) => text.length > MAX_LABEL_CHARS))
      return fail(`${where}: source, target and sourceHandle have at most ${MAX_LABEL_CHARS} characters`);
    parsed.push(toEdge({ source, target, sourceHandle: handle }));
  }
  return { ok: true, graph: { blocks, edges: parsed }, enabledGiven };
}

function fail(problem: string): ParsedState {
  return { ok: false, problem };
}

function toId(value: Json | undefined): string | null {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value !== '' ? value : null;
}

function firstText(...values: (Json | undefined)[]): string | undefined {
  return values.find((value): value is string => typeof value === 'string' && value !== '');
}

function toPosition(value: Json | undefined): { x: number; y: number } {
  const position = isObject(value) ? value : {};
  const { x, y } = position;
  return { x: toCoordinate(x), y: toCoordinate(y) };
}

/** A finite coordinate within MAX_COORDINATE. A value that is no number becomes 0. */
function toCoordinate(value: Json | undefined): number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return 0;
  return Math.max(-MAX_COORDINATE, Math.min(MAX_COORDINATE, value));
}
