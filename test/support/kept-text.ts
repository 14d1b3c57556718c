/** Texts that models read are kept as files, so that a change of their words shows in a review. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const FOLDER = new URL('../fixtures/kept/', import.meta.url);

/**
 * Compares a text with the kept file of this name. COPILOT_TEST_UPDATE=1 writes the file instead; commit it after reading
 * its diff.
 */
export function assertKept(name: string, text: string): void {
  const file = new URL(name, FOLDER);
  if (process.env.COPILOT_TEST_UPDATE === '1') {
    mkdirSync(dirname(file.pathname), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  assert.equal(
    text,
    readFileSync(file, 'utf8'),
    `${name} has changed: COPILOT_TEST_UPDATE=1 writes it again`,
  );
}

/** Compares a value with the kept file of this name, as JSON with an indent of two. */
export function assertKeptJson(name: string, value: unknown): void {
  assertKept(name, `${JSON.stringify(value, null, 2)}\n`);
}
