/** A reporter for Node's test runner that lists the slowest files. */
import { relative } from 'node:path';
import type { TestEvent } from 'node:test/reporters';

const SHOWN = 10;

// The test runner takes the default export.
// oxlint-disable-next-line import/no-default-export
export default async function* slowestFiles(source: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const files: { file: string; ms: number }[] = [];
  for await (const event of source)
    if (event.type === 'test:summary' && event.data.file !== undefined)
      files.push({ file: event.data.file, ms: event.data.duration_ms });
  files.sort((a, b) => b.ms - a.ms);
  yield '\nthe slowest files:\n';
  for (const { file, ms } of files.slice(0, SHOWN))
    yield `${(ms / 1_000).toFixed(1).padStart(7)} s  ${relative(process.cwd(), file)}\n`;
}
