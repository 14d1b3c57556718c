/**
 * The customer's workflow as a graph of blocks and edges. This file holds only data types; the rules are in domain/rules/.
 * domain/ imports nothing outside of itself, so that the workflow sandbox, the API and the tests can use it.
 */
import type { JsonObject } from '../text/json-value.ts';

export interface Position {
  x: number;
  y: number;
}

export interface Block {
  /** A UUID, or a unique name when the Studio sends names as ids. */
  id: string;
  type: string;
  name: string;
  position: Position;
  config: JsonObject;
  enabled: boolean;
}

export interface Edge {
  /** A block's id, like `target`. */
  source: string;
  target: string;
  /** Absent for the plain output. toEdge turns null, empty and `output` into absent. */
  sourceHandle?: string;
}

export interface Graph {
  blocks: Block[];
  edges: Edge[];
}

/**
 * The net change of a turn, as the API sends it. Empty keys are left out. The order of application is remove_edges,
 * remove_blocks, add_blocks, update_blocks, add_edges. The edges of a removed block are removed with it and are not listed.
 */
export interface WorkflowDiff {
  add_blocks?: { id: string; type: string; name: string; position: Position; config: JsonObject }[];
  remove_blocks?: string[];
  /** `config` holds the changed top-level keys, each with its whole new value; a removed key is null. */
  update_blocks?: { id: string; config: JsonObject; name?: string; position?: Position; enabled?: boolean }[];
  add_edges?: Edge[];
  remove_edges?: Edge[];
}
