/** Small JSON files of mode 0600. A write replaces the whole file at once, so a reader never sees half a file. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The parsed file; null when the file is missing or no JSON. */
export function readJsonFile<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as T;
  } catch {
    return null;
  }
}

/** Writes or replaces a file. */
export function writeJsonFile(path: string, value: unknown): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}
