/**
 * Parses a message's workflow_diff. Diffs that the platform wrote were never checked, and may leave out fields that have a
 * default.
 */
import { DiffConflictError } from '../../domain/graph/apply-diff.ts';
import { toEdge } from '../../domain/graph/edge.ts';
import type { Edge, Position, WorkflowDiff } from '../../domain/graph/graph.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { isDeeperThan, isObject } from '../../domain/text/json.ts';

/** The 64 levels of a config and the four levels above it. */
const MAX_DEPTH = 68;

/**
 * The diff, or null when it changes nothing. Throws DiffConflictError for an entry of an unknown shape, and for a diff
 * that nests too deep.
 */
export function toWorkflowDiff(stored: Json): WorkflowDiff | null {
  if (!isObject(stored)) return null;
  // Everything below is recursive, including the JSON.stringify of its errors.
  if (isDeeperThan(stored, MAX_DEPTH)) throw new DiffConflictError(['workflow_diff']);
  const read = <T>(key: keyof WorkflowDiff, toEntry: (entry: Json) => T): T[] => {
    const entries = stored[key] ?? [];
    if (!Array.isArray(entries)) throw new DiffConflictError([key]);
    return entries.map((entry) => toEntry(entry));
  };
  const diff: Required<WorkflowDiff> = {
    remove_edges: read('remove_edges', toDiffEdge),
    remove_blocks: read('remove_blocks', (entry) => toId(entry, entry)),
    add_blocks: read('add_blocks', toAddedBlock),
    update_blocks: read('update_blocks', toBlockUpdate),
    add_edges: read('add_edges', toDiffEdge),
  };
  return Object.values(diff).every((entries) => entries.length === 0) ? null : diff;
}

function toAddedBlock(entry: Json): Required<WorkflowDiff>['add_blocks'][number] {
  const block = toObject(entry);
  const id = toId(block.id, entry);
  return {
    id,
    type: toId(block.type, entry),
    name: typeof block.name === 'string' && block.name !== '' ? block.name : id,
    position: toPosition(block.position) ?? { x: 0, y: 0 },
    config: isObject(block.config) ? block.config : {},
  };
}

function toBlockUpdate(entry: Json): Required<WorkflowDiff>['update_blocks'][number] {
  const block = toObject(entry);
  const position = toPosition(block.position);
  return {
    id: toId(block.id, entry),
    config: isObject(block.config) ? block.config : {},
    ...(typeof block.name === 'string' ? { name: block.name } : {}),
    ...(position === null ? {} : { position }),
    ...(typeof block.enabled === 'boolean' ? { enabled: block.enabled } : {}),
  };
}

function toDiffEdge(entry: Json): Edge {
  const edge = toObject(entry);
  const handle = edge.sourceHandle;
  return toEdge({
    source: toId(edge.source, entry),
    target: toId(edge.target, entry),
    sourceHandle: typeof handle === 'number' ? String(handle) : typeof handle === 'string' ? handle : null,
  });
}

function toObject(entry: Json): JsonObject {
  if (!isObject(entry)) throw new DiffConflictError([shorten(entry)]);
  return entry;
}

function toId(value: Json | undefined, entry: Json): string {
  if (typeof value !== 'string' || value === '') throw new DiffConflictError([shorten(entry)]);
  return value;
}

function toPosition(value: Json | undefined): Position | null {
  if (!isObject(value)) return null;
  const { x, y } = value;
  return typeof x === 'number' && typeof y === 'number' ? { x, y } : null;
}

function shorten(entry: Json): string {
  return JSON.stringify(entry).slice(0, 100).toWellFormed();
}
