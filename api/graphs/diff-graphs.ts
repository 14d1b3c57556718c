/** Computes the diff of a turn that the API ends in place of its workflow. Large graphs are compared in a thread. */
import { diffGraphTexts } from '../../domain/graph/diff-graph.ts';
import { SMALL_GRAPH_CHARS } from '../../domain/graph/limits.ts';
import type { ThreadPool } from '../../runtime/thread-pool.ts';

/** JSON texts of Graphs. */
export interface DiffTexts {
  base: string;
  working: string;
}

/** Creates the function that returns the JSON text of a diff, or null for equal graphs. It throws the pool's errors. */
export function createGraphDiff(pool: Pick<ThreadPool, 'run'>): (texts: DiffTexts) => Promise<string | null> {
  return async (texts) => {
    if (texts.base === texts.working) return null;
    const bytes = texts.base.length + texts.working.length;
    if (bytes <= SMALL_GRAPH_CHARS) return diffGraphTexts(texts);
    return pool.run<string | null>('diffGraphTexts', texts, { bytes });
  };
}
