/**
 * The customer's workflow as a graph of blocks and edges. Pure data: no rule lives here.
 * domain/ imports nothing but itself, so that the workflow sandbox, the API and the tests can all use it.
 */
import type { JsonObject } from '../text/json-value.ts';

export interface Position {
  x: number;
  y: number;
}

export interface Block {
  /** A UUID, or the unique display name where the Studio sends names as ids. */
  id: string;
  type: string;
  name: string;
  position: Position;
  config: JsonObject;
  enabled: boolean;
}

export interface Edge {
  /** Block ids. */
  source: string;
  target: string;
  /** Absent on a plain edge: null, absent and `output` mean the same and are normalised to absent. */
  sourceHandle?: string;
}

export interface Graph {
  blocks: Block[];
  edges: Edge[];
}

/**
 * The net change of a turn, as the API page describes it. Empty keys are left out.
 * Order of application: remove_edges, remove_blocks, add_blocks, update_blocks, add_edges;
 * the edges of a removed block go with it and are not listed.
 */
export interface WorkflowDiff {
  add_blocks?: { id: string; type: string; name: string; position: Position; config: JsonObject }[];
  remove_blocks?: string[];
  /** `config` holds the changed top-level keys, each with its whole new value; a removed key is null. */
  update_blocks?: { id: string; config: JsonObject; name?: string; position?: Position; enabled?: boolean }[];
  add_edges?: Edge[];
  remove_edges?: Edge[];
}
