/** The committed files that show what a model sees: system text, tools, and each case on its recorded answers. */
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Trial } from '../run-cases.ts';
import { renderMeasures } from './measures.ts';

const ROOM = join(import.meta.dirname, '..');
const TABLE = /(<!-- measured -->\n)[\s\S]*?(\n<!-- \/measured -->)/;

/** The content that each file should have, by its path in eval/. */
export function snapshotFiles(trials: readonly Trial[]): Map<string, string> {
  const request = trials.find(({ seen }) => seen?.request)?.seen?.request;
  if (!request) throw new Error('no case has sent a request');
  const readme = readFileSync(join(ROOM, 'README.md'), 'utf8');
  return new Map([
    ['snapshots/system.txt', `${request.system}\n`],
    ['snapshots/tools.json', `${JSON.stringify(request.tools, null, 2)}\n`],
    ...trials.map((trial): [string, string] => [`snapshots/cases/${trial.case.id}.txt`, trial.seen!.text]),
    [
      'README.md',
      readme.replace(TABLE, (_, begin: string, end: string) => begin + renderMeasures(trials) + end),
    ],
  ]);
}

/** What differs from the files: a line for each file, with its first line that differs. */
export function compareSnapshots(files: ReadonlyMap<string, string>): string[] {
  const differing = [...files].flatMap(([path, wanted]) => {
    const file = join(ROOM, path);
    if (!existsSync(file)) return [`${path}: is missing`];
    const found = readFileSync(file, 'utf8');
    if (found === wanted) return [];
    const [old, now] = [found.split('\n'), wanted.split('\n')];
    const at = now.findIndex((line, index) => line !== old[index]);
    const shown = (line: string | undefined): string => JSON.stringify((line ?? '(the end)').slice(0, 200));
    return [`${path}, line ${at + 1}: was ${shown(old[at])}, is ${shown(now[at])}`];
  });
  return [...differing, ...stale(files).map((path) => `${path}: belongs to no case`)];
}

/** Writes the files, and removes those of cases that are gone. */
export function writeSnapshots(files: ReadonlyMap<string, string>): void {
  for (const path of stale(files)) rmSync(join(ROOM, path));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(ROOM, path)), { recursive: true });
    writeFileSync(join(ROOM, path), text);
  }
}

function stale(files: ReadonlyMap<string, string>): string[] {
  return globSync('snapshots/cases/*.txt', { cwd: ROOM }).filter((path) => !files.has(path));
}
