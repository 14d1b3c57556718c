/** The words for each fault of an edit. */
import { isLongerThan } from '../text/is-longer-than.ts';
import { nameKey } from '../graph/find-block.ts';
import type { Block } from '../graph/graph.ts';
import { nearestNames } from '../rules/block-registry.ts';
import { freeName } from '../rules/check-graph.ts';
import { MAX_LISTED, type Problem, problem } from '../rules/finding.ts';
import { isReferenceName } from '../rules/reference.ts';

/** The platform's column. */
const MAX_NAME_CHARS = 255;

export function emptyEdit(): Problem {
  return problem(
    'error',
    'empty_edit',
    null,
    'The call changes nothing.',
    'Give at least one of add_blocks, update_blocks, remove_blocks, add_edges, remove_edges.',
  );
}

export function duplicateId(block: string, id: string): Problem {
  return problem(
    'error',
    'duplicate_id',
    block,
    `The id ${id.slice(0, 60)} names another block already.`,
    'Choose another id, or leave it out.',
    'id',
  );
}

export function lockedType(block: string): Problem {
  return problem(
    'error',
    'locked_field',
    block,
    `The type of ${block} can't change.`,
    'Remove the block and add one of the other type, in one call.',
    'type',
  );
}

export function nothingChanged(block: string): Problem {
  return problem('warning', 'nothing_changed', block, `${block} is as the update wants it already.`);
}

/** `edge` as the model reads it. */
export function duplicateEdge(source: string, edge: string): Problem {
  return problem(
    'error',
    'duplicate_edge',
    source,
    `The edge ${edge} is there already.`,
    'Leave it out.',
    'add_edges',
  );
}

/** `handles`: those of the edges between the same two blocks. */
export function unknownEdge(source: string, edge: string, handles: ReadonlySet<string | undefined>): Problem {
  const names = [...handles].map((handle) => handle ?? 'output');
  return problem(
    'error',
    'unknown_edge',
    source,
    `There is no such edge ${edge}.`,
    names.length > 0 ? `Between them: sourceHandle ${names.join(', ')}.` : null,
    'remove_edges',
  );
}

export function ambiguousName(ref: string, blocks: readonly Block[], field: string): Problem {
  const ids = blocks.filter((block) => nameKey(block.name) === nameKey(ref)).map((block) => block.id);
  return problem(
    'error',
    'ambiguous_name',
    ref.slice(0, 100),
    `Several blocks are named ${ref.slice(0, 100)}.`,
    `Use an id: ${ids.slice(0, 5).join(', ')}`,
    field,
  );
}

export function unknownBlock(ref: string, blocks: readonly Block[], field: string): Problem {
  const names = blocks.map((block) => block.name);
  return problem(
    'error',
    'unknown_block',
    ref.slice(0, 100),
    `There is no block ${ref.slice(0, 100) || '(empty)'}.`,
    hintNames(nearestNames(ref, names, 3), names),
    field,
  );
}

/** What is wrong with a name by itself; null when nothing is. */
export function malformedName(name: string): Problem | null {
  if (name === '' || !isReferenceName(name)) {
    const suggestion = name
      .replace(/[^\p{L}\p{N}_ -]+/gu, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .slice(0, MAX_NAME_CHARS);
    return problem(
      'error',
      'invalid_name',
      name,
      `${name.slice(0, 100) || 'An empty name'} can't be used in references: letters, digits, _, space and - only.`,
      suggestion === '' ? null : `For example: ${suggestion}`,
      'name',
    );
  }
  if (!isLongerThan(name, MAX_NAME_CHARS)) return null;
  return problem(
    'error',
    'invalid_name',
    name,
    `A name has at most ${MAX_NAME_CHARS} characters.`,
    null,
    'name',
  );
}

export function duplicateName(name: string, blocks: readonly Block[]): Problem {
  return problem(
    'error',
    'duplicate_name',
    name,
    `Another block is named ${name} already.`,
    `A free name: ${freeName(name, blocks)}`,
    'name',
  );
}

export function nameOfDanglingEdge(name: string): Problem {
  return problem(
    'error',
    'duplicate_name',
    name,
    `An edge goes to or from a block ${name} that is not there: the name would connect it.`,
    'Remove that edge first, or choose another name.',
    'name',
  );
}

export function serverOwnedField(block: string, field: string): Problem {
  return problem(
    'error',
    'server_owned_field',
    block,
    `${field} is given by the platform and can't be set.`,
    `Leave ${field} out.`,
    field,
  );
}

function hintNames(nearest: string[], names: string[]): string {
  if (nearest.length > 0) return `Nearest: ${nearest.join(', ')}`;
  return names.length === 0
    ? 'The workflow has no blocks yet.'
    : `Blocks: ${names.slice(0, MAX_LISTED).join(', ')}`;
}
