/** The diff of a turn that its workflow did not end: at once for small graphs, in a thread for large ones. */
import { diffGraph } from '../../domain/graph/diff-graph.ts';
import type { Graph } from '../../domain/graph/graph.ts';
import { toJsonText } from '../../domain/text/json-text.ts';
import type { ThreadPool } from '../../runtime/thread-pool.ts';

/** JSON texts of Graphs. */
export interface DiffTexts {
  base: string;
  working: string;
}

const SMALL_CHARS = 64 * 1024;

/** The task, as a thread has it. */
export function diffGraphTexts({ base, working }: DiffTexts): string | null {
  const diff = diffGraph(JSON.parse(base) as Graph, JSON.parse(working) as Graph);
  return diff === null ? null : toJsonText(diff);
}

/** Creates the function that gives the JSON text of a diff, or null for equal graphs. Throws the pool's errors. */
export function createGraphDiff(pool: Pick<ThreadPool, 'run'>): (texts: DiffTexts) => Promise<string | null> {
  return async (texts) => {
    if (texts.base === texts.working) return null;
    const bytes = texts.base.length + texts.working.length;
    if (bytes <= SMALL_CHARS) return diffGraphTexts(texts);
    return pool.run<string | null>('diffGraphTexts', texts, { bytes });
  };
}
