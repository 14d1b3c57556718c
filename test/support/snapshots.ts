/**
 * Snapshots: data files under test/fixtures that a reviewer reads as diffs. `COPILOT_UPDATE_SNAPSHOTS=1` writes them in place
 * of comparing, and CONTRIBUTING.md says when.
 */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const FIXTURES = join(import.meta.dirname, '../fixtures');

/** Compares a value with a file of test/fixtures, as JSON with an indent of two. */
export function assertSnapshot(path: string, value: unknown): void {
  const file = join(FIXTURES, path);
  const text = `${JSON.stringify(value, null, 2)}\n`;
  if (process.env.COPILOT_UPDATE_SNAPSHOTS === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  assert.deepEqual(JSON.parse(text), JSON.parse(readFileSync(file, 'utf8')), `${path} differs`);
}
