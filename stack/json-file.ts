/** Small JSON files, written so that a reader sees the old or the new one, never half of one. Mode 0600. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

/** The parsed file; null when it is missing or no JSON. */
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
