/** The arguments of modify_workflow and the check of their shape. edit-graph.ts gives them their meaning. */
import { type Problem, problem } from '../rules/finding.ts';
import type { Position } from '../graph/graph.ts';
import type { JsonObject } from '../text/json-value.ts';
import { isDeeperThan, isObject } from '../text/json.ts';
import { MAX_BLOCKS, MAX_EDGES } from '../graph/limits.ts';
import { MAX_COORDINATE } from '../graph/workflow-state.ts';

/** Null and absent mean the same. */
type Optional<T> = T | null | undefined;

export interface AddedBlock {
  id?: Optional<string>;
  type: string;
  name: string;
  config?: Optional<JsonObject>;
  position?: Optional<Position>;
}

export interface BlockUpdate {
  /** The block's id, an id that the model gave it earlier, or its unique name. */
  id: string;
  config?: Optional<JsonObject>;
  name?: Optional<string>;
  position?: Optional<Position>;
  enabled?: Optional<boolean>;
  /** The type can't change. When it is sent, it must be the block's own. */
  type?: Optional<string>;
}

export interface EdgeEdit {
  source: string;
  target: string;
  sourceHandle?: Optional<string>;
}

export interface GraphEdit {
  add_blocks?: Optional<AddedBlock[]>;
  update_blocks?: Optional<BlockUpdate[]>;
  remove_blocks?: Optional<string[]>;
  add_edges?: Optional<EdgeEdit[]>;
  remove_edges?: Optional<EdgeEdit[]>;
}

/** A config must fit into a request body, which has at most 64 levels including those around the config. */
const MAX_CONFIG_LEVELS = 50;

type Check = (value: unknown) => string | null;

const text: Check = (value) => (typeof value === 'string' ? null : 'must be text');
const flag: Check = (value) => (typeof value === 'boolean' ? null : 'must be true or false');
const optional =
  (check: Check): Check =>
  (value) =>
    value === null || value === undefined ? null : check(value);
const config: Check = (value) => {
  if (!isObject(value)) return 'must be an object';
  return isDeeperThan(value, MAX_CONFIG_LEVELS)
    ? `must not nest deeper than ${MAX_CONFIG_LEVELS} levels`
    : null;
};
const position: Check = (value) => {
  const fits = (n: unknown): boolean =>
    typeof n === 'number' && Number.isFinite(n) && Math.abs(n) <= MAX_COORDINATE;
  return isObject(value) && fits(value.x) && fits(value.y) ? null : 'must be {x, y} with numbers';
};

const EDGE: Record<string, Check> = { source: text, target: text, sourceHandle: optional(text) };
const SHAPE: Record<keyof GraphEdit, Record<string, Check> | Check> = {
  add_blocks: {
    id: optional(text),
    type: text,
    name: text,
    config: optional(config),
    position: optional(position),
  },
  update_blocks: {
    id: text,
    config: optional(config),
    name: optional(text),
    position: optional(position),
    enabled: optional(flag),
    type: optional(text),
  },
  remove_blocks: text,
  add_edges: EDGE,
  remove_edges: EDGE,
};

/** The first problem of the shape, or null for a GraphEdit. Takes any JSON. */
export function checkEditShape(edit: unknown): Problem | null {
  const wrong = (where: string, fault: string): Problem =>
    problem('invalid_edit', { block: null, field: where }, { where, fault });
  if (!isObject(edit)) return wrong('The edit', 'must be an object');
  for (const [part, shape] of Object.entries(SHAPE)) {
    const list = edit[part] ?? [];
    if (!Array.isArray(list)) return wrong(part, 'must be a list');
    const most = part.endsWith('edges') ? MAX_EDGES : MAX_BLOCKS;
    if (list.length > most) return wrong(part, `has ${list.length} entries; a call takes at most ${most}`);
    for (const [index, item] of list.entries()) {
      const where = `${part}[${index}]`;
      if (typeof shape === 'function') {
        const fault = shape(item);
        if (fault !== null) return wrong(where, fault);
        continue;
      }
      if (!isObject(item)) return wrong(where, 'must be an object');
      for (const [key, check] of Object.entries(shape)) {
        const fault = check(item[key]);
        if (fault !== null) return wrong(`${where}.${key}`, fault);
      }
    }
  }
  return null;
}
