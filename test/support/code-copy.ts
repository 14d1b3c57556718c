/** A copy of the code with a change: the next version, beside the one of the checkout. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');
const NOT_COPIED = /^(node_modules|\.git|\.copilot|dist.*)$/;
const NOT_LINKED = ['.cache', 'vite'];

/** A text of a file and what replaces it. */
export type CodeChange = [file: string, text: string, replacement: string];

/**
 * Copies the checkout into a new folder and changes it. The packages are linked one by one, so that the copy has a cache of
 * its own in node_modules. The build tool of the page is not linked, so that the copy builds no page.
 */
export function copyCode(folder: string, changes: readonly CodeChange[]): void {
  cpSync(ROOT, folder, { recursive: true, filter: (path) => !NOT_COPIED.test(basename(path)) });
  const packages = join(ROOT, 'node_modules');
  mkdirSync(join(folder, 'node_modules'));
  for (const name of readdirSync(packages)) {
    if (!NOT_LINKED.includes(name)) symlinkSync(join(packages, name), join(folder, 'node_modules', name));
  }
  for (const [file, text, replacement] of changes) {
    const path = join(folder, file);
    const code = readFileSync(path, 'utf8');
    assert.ok(code.includes(text), `${file} does not hold ${text}`);
    writeFileSync(path, code.replace(text, replacement));
  }
}
