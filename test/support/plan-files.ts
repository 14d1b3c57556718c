/** Which test files a run takes, in which order, and how many of them at once. */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface FileGroup {
  files: string[];
  concurrency: number;
}

const ROOT = join(import.meta.dirname, '../..');
/** How a test file says that it has a long count: by itself, by the recordings that it plays, or by helm, which is built. */
const HAS_LONG_COUNT = /\/support\/(repeats|recordings|helm)\.ts'/;
/**
 * Each of these runs alone: two measure how long something takes that other load would lengthen, and the eval keeps all cores
 * busy by itself, so that beside others a tool call of it may run into its time limit.
 */
const ALONE = [
  'test/process/faults.test.ts',
  'test/process/killed-worker.test.ts',
  'test/integration/eval/recorded.test.ts',
];
/**
 * Most files wait more than they compute, so more of them run at once than there are cores. The longest begin first:
 * at the end no core waits for one of them.
 */
const GROUPS = [
  {
    patterns: [
      'test/process/**/*.test.ts',
      'test/workflows/**/*.test.ts',
      'test/integration/**/*.test.ts',
      'test/replay/**/*.test.ts',
      'test/browser/**/*.test.ts',
    ],
    exclude: ALONE,
    concurrency: 3,
  },
  { patterns: ALONE, exclude: [], concurrency: 1 },
];
const UNIT = { patterns: ['test/unit/**/*.test.ts'], exclude: [], concurrency: 2 };

/** The groups run one after the other. `filters`: a part of the path; `isSoak`: only files with a long count. */
export function planFiles(options: {
  filters: readonly string[];
  isSoak: boolean;
  withUnit: boolean;
}): FileGroup[] {
  const { filters, isSoak, withUnit } = options;
  return [...(withUnit ? [UNIT] : []), ...GROUPS]
    .map(({ patterns, exclude, concurrency }) => ({
      files: patterns
        .flatMap((pattern) => globSync(pattern, { cwd: ROOT, exclude }).sort())
        .filter((file) => filters.length === 0 || filters.some((text) => file.includes(text)))
        .filter((file) => !isSoak || HAS_LONG_COUNT.test(readFileSync(join(ROOT, file), 'utf8'))),
      concurrency,
    }))
    .filter(({ files }) => files.length > 0);
}
