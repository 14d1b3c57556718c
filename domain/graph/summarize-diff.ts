import type { WorkflowDiff } from './graph.ts';

const MAX_NAMES = 6;
const MAX_NAME_CHARS = 40;

/** Describes a diff in one line of bounded length, for the prompts of later turns. */
export function summarizeDiff(diff: WorkflowDiff): string {
  const named = (sign: string, noun: string, names: string[]): string[] => {
    if (names.length === 0) return [];
    const shown = names.slice(0, MAX_NAMES).map((name) => name.slice(0, MAX_NAME_CHARS).toWellFormed());
    const more = names.length > MAX_NAMES ? ', ...' : '';
    return [`${sign}${names.length} ${noun}${names.length === 1 ? '' : 's'} (${shown.join(', ')}${more})`];
  };
  const counted = (sign: string, edges: unknown[] | undefined): string[] =>
    edges && edges.length > 0 ? [`${sign}${edges.length} edge${edges.length === 1 ? '' : 's'}`] : [];
  return [
    ...named(
      '+',
      'block',
      (diff.add_blocks ?? []).map((block) => `${block.name}: ${block.type}`),
    ),
    ...named(
      '~',
      'block',
      (diff.update_blocks ?? []).map((block) => block.name ?? block.id),
    ),
    ...named('-', 'block', diff.remove_blocks ?? []),
    ...counted('+', diff.add_edges),
    ...counted('-', diff.remove_edges),
  ].join(', ');
}
