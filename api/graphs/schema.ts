/** What the workflow endpoints take. A broken graph is refused with the block or edge that breaks it. */
import { blockTypes, findBlockType, handlesOf } from '../../domain/rules/block-registry.ts';
import { edgeKey, toEdge } from '../../domain/graph/edge.ts';
import type { Block, Edge, Graph } from '../../domain/graph/graph.ts';
import { isObject } from '../../domain/text/json.ts';
import { isLongerThan } from '../../domain/text/is-longer-than.ts';
import { isBlank } from '../../domain/text/spell-out-hidden.ts';
import { exceededLimit } from '../../domain/graph/limits.ts';
import { requireSize } from './canvas.ts';
import { HttpError } from '../http/http-error.ts';
import { isUuid } from '../../domain/text/uuid.ts';

const MAX_LIMIT = 200;
const DEFAULT_LIMIT = 50;
const MAX_NAME_CHARS = 255;
const MAX_INT = 2_147_483_647;

/** `limit` (1..200, 50) and `offset` (0). */
export function parseListPage(query: Record<string, unknown>): { limit: number; offset: number } {
  const whole = (name: string, fallback: number, min: number, max: number): number => {
    const value = query[name];
    if (value === undefined) return fallback;
    const number = typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new HttpError(400, `${name} must be a whole number from ${min} to ${max}`);
    return number;
  };
  return { limit: whole('limit', DEFAULT_LIMIT, 1, MAX_LIMIT), offset: whole('offset', 0, 0, MAX_INT) };
}

/** The name of a new workflow. */
export function parseWorkflowName(value: unknown): string {
  if (value === undefined || value === null) throw new HttpError(400, 'name is required');
  const name = typeof value === 'string' ? value.trim() : '';
  if (isLongerThan(name, MAX_NAME_CHARS) || isBlank(name)) {
    throw new HttpError(400, `name must be text of 1 to ${MAX_NAME_CHARS} characters that can be seen`);
  }
  return name;
}

/** The body of PUT graph. */
export function parseGraphBody(body: Record<string, unknown>): { graph: Graph; version: number | null } {
  const { blocks, edges, version } = body;
  if (!Array.isArray(blocks)) throw new HttpError(400, 'blocks is required and must be a list');
  if (!Array.isArray(edges)) throw new HttpError(400, 'edges is required and must be a list');
  if (version !== undefined && version !== null && !(Number.isInteger(version) && (version as number) >= 0)) {
    throw new HttpError(400, 'version must be a whole number');
  }
  const exceeded = exceededLimit({ blocks: blocks.length, edges: edges.length });
  if (exceeded !== null) throw new HttpError(400, `The workflow ${exceeded}`);
  const parsed = new Map<string, Block>();
  for (const [index, value] of blocks.entries()) {
    const block = parseBlock(value, `blocks[${index}]`);
    if (parsed.has(block.id))
      throw new HttpError(400, `blocks[${index}]: the id ${block.id} names another block already`);
    parsed.set(block.id, block);
  }
  const keys = new Set<string>();
  const list = edges.map((value: unknown, index) => {
    const where = `edges[${index}]`;
    const edge = parseEdge(value, where, parsed);
    if (keys.has(edgeKey(edge)))
      throw new HttpError(400, `${where}: the edge ${edge.source} -> ${edge.target} is there twice`);
    keys.add(edgeKey(edge));
    return edge;
  });
  const graph = { blocks: [...parsed.values()], edges: list };
  requireSize(graph, graph, 'The workflow');
  return {
    graph,
    version: (version as number | null | undefined) ?? null,
  };
}

function parseBlock(value: unknown, where: string): Block {
  if (!isObject(value)) throw new HttpError(400, `${where} must be an object`);
  const { id, type, name, position, config, enabled } = value;
  if (!isUuid(id)) throw new HttpError(400, `${where}: id must be a UUID`);
  if (typeof type !== 'string' || !findBlockType(type)) {
    throw new HttpError(
      400,
      `${where} (${id}): type must be one of ${blockTypes.map((known) => known.type).join(', ')}`,
    );
  }
  if (typeof name !== 'string' || isLongerThan(name, MAX_NAME_CHARS) || isBlank(name)) {
    throw new HttpError(
      400,
      `${where} (${id}): name must be text of 1 to ${MAX_NAME_CHARS} characters that can be seen`,
    );
  }
  if (config !== undefined && config !== null && !isObject(config))
    throw new HttpError(400, `${where} (${name}): config must be an object`);
  if (enabled !== undefined && enabled !== null && typeof enabled !== 'boolean') {
    throw new HttpError(400, `${where} (${name}): enabled must be true or false`);
  }
  return {
    id: id.toLowerCase(),
    type,
    name,
    position: parsePosition(position, `${where} (${name})`),
    config: config ?? {},
    enabled: enabled ?? true,
  };
}

function parsePosition(value: unknown, where: string): { x: number; y: number } {
  if (value === undefined || value === null) return { x: 0, y: 0 };
  const { x = 0, y = 0 } = isObject(value) ? value : { x: null };
  // Stored as real: beyond this a coordinate would not survive.
  const usable = (n: unknown): n is number =>
    typeof n === 'number' && Number.isFinite(n) && Math.abs(n) < 1e9;
  if (!usable(x) || !usable(y))
    throw new HttpError(400, `${where}: position must be {x, y} with numbers below a billion`);
  return { x, y };
}

function parseEdge(value: unknown, where: string, blocks: ReadonlyMap<string, Block>): Edge {
  if (!isObject(value)) throw new HttpError(400, `${where} must be an object`);
  const end = (name: 'source' | 'target'): Block => {
    const id = value[name];
    const block = typeof id === 'string' ? blocks.get(id.toLowerCase()) : undefined;
    if (!block) throw new HttpError(400, `${where}: ${name} must be the id of one of the blocks`);
    return block;
  };
  const source = end('source');
  const target = end('target');
  const handle = value.sourceHandle;
  if (handle !== undefined && handle !== null && typeof handle !== 'string')
    throw new HttpError(400, `${where}: sourceHandle must be text`);
  const edge = toEdge({ source: source.id, target: target.id, sourceHandle: handle });
  const handles = handlesOf(source);
  if (source === target) throw new HttpError(400, `${where}: ${source.name} can't be connected to itself`);
  if (edge.sourceHandle !== undefined && handles.length === 0) {
    throw new HttpError(
      400,
      `${where}: an edge out of ${source.name} must not have the sourceHandle ${edge.sourceHandle.slice(0, 50)}`,
    );
  }
  if (handles.length > 0 && (edge.sourceHandle === undefined || !handles.includes(edge.sourceHandle))) {
    throw new HttpError(
      400,
      `${where}: an edge out of ${source.name} needs one of the sourceHandles ${handles.slice(0, 20).join(', ')}`,
    );
  }
  return edge;
}
