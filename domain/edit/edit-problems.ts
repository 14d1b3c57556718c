/** The problems of an edit itself. Their texts are in domain/rules/findings.ts. */
import { isLongerThan } from '../text/is-longer-than.ts';
import { nameKey } from '../graph/find-block.ts';
import type { Block } from '../graph/graph.ts';
import { nearestNames } from '../rules/block-registry.ts';
import { freeName } from '../rules/check-graph.ts';
import { listed, type Problem, problem } from '../rules/finding.ts';
import { isReferenceName } from '../rules/reference.ts';

/** The length of the platform's column. */
const MAX_NAME_CHARS = 255;

export function emptyEdit(): Problem {
  return problem('empty_edit', { block: null, field: null }, {});
}

export function duplicateId(block: string, id: string): Problem {
  return problem('duplicate_id', { block, field: 'id' }, { id: id.slice(0, 60) });
}

export function lockedType(block: string): Problem {
  return problem('locked_field', { block, field: 'type' }, { block });
}

export function nothingChanged(block: string): Problem {
  return problem('nothing_changed', { block, field: null }, { block });
}

/** `edge` is the edge as the model reads it. */
export function duplicateEdge(source: string, edge: string): Problem {
  return problem('duplicate_edge/added', { block: source, field: 'add_edges' }, { edge });
}

/** `handles` are the handles of the edges between the same two blocks. */
export function unknownEdge(source: string, edge: string, handles: ReadonlySet<string | undefined>): Problem {
  const place = { block: source, field: 'remove_edges' };
  const names = [...handles].map((handle) => handle ?? 'output');
  return names.length > 0
    ? problem('unknown_edge/handles', place, { edge, handles: names.join(', ') })
    : problem('unknown_edge', place, { edge });
}

export function ambiguousName(ref: string, blocks: readonly Block[], field: string): Problem {
  const ids = blocks.filter((block) => nameKey(block.name) === nameKey(ref)).map((block) => block.id);
  const name = ref.slice(0, 100);
  return problem('ambiguous_name', { block: name, field }, { name, ids: ids.slice(0, 5).join(', ') });
}

export function unknownBlock(ref: string, blocks: readonly Block[], field: string): Problem {
  const names = blocks.map((block) => block.name);
  const block = ref.slice(0, 100);
  return problem(
    'unknown_block',
    { block, field },
    { ref: block || '(empty)', known: hintNames(ref, names) },
  );
}

function hintNames(ref: string, names: string[]): string {
  const nearest = nearestNames(ref, names, 3);
  if (nearest.length > 0) return `Nearest: ${nearest.join(', ')}.`;
  return names.length === 0 ? 'The workflow has no blocks yet.' : `Blocks: ${listed(names)}.`;
}

/** The problem of a name by itself; null for a valid name. */
export function malformedName(name: string): Problem | null {
  const place = { block: name, field: 'name' };
  if (name === '' || !isReferenceName(name)) {
    const suggestion = name
      .replace(/[^\p{L}\p{N}_ -]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, MAX_NAME_CHARS);
    const shown = name.slice(0, 100) || 'An empty name';
    return suggestion === ''
      ? problem('invalid_name/nothing_left', place, { name: shown })
      : problem('invalid_name/given', place, { name: shown, suggestion });
  }
  if (!isLongerThan(name, MAX_NAME_CHARS)) return null;
  return problem('invalid_name/too_long', place, { max: MAX_NAME_CHARS });
}

export function duplicateName(name: string, blocks: readonly Block[]): Problem {
  const place = { block: name, field: 'name' };
  return problem('duplicate_name', place, { name, free: freeName(name, blocks) });
}

export function nameOfDanglingEdge(name: string): Problem {
  return problem('duplicate_name/edge', { block: name, field: 'name' }, { name });
}

export function serverOwnedField(block: string, field: string): Problem {
  return problem('server_owned_field', { block, field }, { field });
}
