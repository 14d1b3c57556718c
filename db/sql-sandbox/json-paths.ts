/**
 * Checks JSON paths whose items are collected into one array. The server checks for cancels while it walks a path, but not
 * while it collects the items, so the path must bound their number.
 */
import { literalText } from './cost-guards.ts';
import type { Tree } from './expression-tree.ts';
import { SqlRefusal } from './sql-refusal.ts';

const MAX_LISTED = 4;
const WRAPPERS = new Set(['JSW_CONDITIONAL', 'JSW_UNCONDITIONAL']);

/**
 * Whether a path descends into all levels (`**`), so that the items together may have the square of the document's size.
 * Throws SqlRefusal for a path that is no literal, and for a path whose items may be many times larger still.
 */
export function descendsIn(path: string | null): boolean {
  const bare = path?.replace(/"(?:[^"\\]|\\.)*"/g, '""');
  const levels = bare?.match(/\*\s*\*/g)?.length ?? 0;
  const listed = bare?.match(/,/g)?.length ?? 0;
  if (bare === undefined || levels > 1 || listed > MAX_LISTED)
    throw new SqlRefusal(
      'too_expensive',
      `A JSON path whose items are put into one array is a literal here, with ** once and at most ${MAX_LISTED} commas.`,
      'Take its items as rows with jsonb_path_query(...).',
    );
  return levels === 1;
}

/**
 * Checks JSON_QUERY and a column of JSON_TABLE. With a wrapper they collect items into one array. A column without a path
 * uses its name as the path, which can't descend. Throws SqlRefusal.
 */
export function checkWrapped({ wrapper, pathspec }: Tree): void {
  if (!WRAPPERS.has(String(wrapper)) || pathspec === undefined) return;
  if (descendsIn(literalText((pathspec as Tree).string ?? pathspec)))
    throw new SqlRefusal(
      'too_expensive',
      'A path with ** stands here without WRAPPER.',
      'Take its items as rows with jsonb_path_query(...).',
    );
}
