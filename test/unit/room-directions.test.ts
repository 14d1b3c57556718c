/** Lint refuses every import against the directions between rooms that docs/architecture.md names. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';

const ROOT = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'copilot-lint-'));
after(() => rmSync(folder, { recursive: true }));

/** A file of a room, what it may import as a value, and what it may not. `type:` imports a type only. */
const DIRECTIONS: [file: string, allowed: string[], refused: string[]][] = [
  ['domain/a.ts', ['./b.ts'], ['../contracts/turn.ts', '../db/knex.ts', 'node:fs', 'zod']],
  ['contracts/a.ts', ['../domain/graph.ts'], ['../db/knex.ts', '../runtime/config.ts', '../llm/types.ts']],
  [
    'workflows/a.ts',
    [
      '../domain/graph.ts',
      '../contracts/names.ts',
      'type:../contracts/turn.ts',
      'type:../activities/index.ts',
    ],
    [
      '../contracts/turn.ts',
      '../contracts/nations.ts',
      '../contracts/names-and-more.ts',
      '../activities/index.ts',
      '../db/knex.ts',
      '../runtime/config.ts',
      'node:fs',
    ],
  ],
  [
    'activities/a.ts',
    ['../domain/graph.ts', '../contracts/turn.ts', 'type:../db/turns.ts', 'type:../llm/types.ts'],
    [
      '../db/turns.ts',
      '../llm/types.ts',
      '../api/app.ts',
      '../workflows/chat-turn.ts',
      '../worker/bundle.ts',
    ],
  ],
  ['activities/tools/a.ts', ['../deps.ts'], ['../../db/turns/turns.ts', '../../api/app.ts']],
  [
    'api/a.ts',
    ['../workflows/messages.ts', '../db/turns.ts', './workflows/router.ts', 'type:../workflows/chat-turn.ts'],
    ['../workflows/chat-turn.ts', '../activities/index.ts', '../llm/types.ts', '../worker/bundle.ts'],
  ],
  [
    'api/turns/a.ts',
    ['../../workflows/messages.ts', '../workflows/present.ts', 'type:../../workflows/chat-turn.ts'],
    ['../../workflows/chat-turn.ts', '../../workflows/index.ts', '../../activities/index.ts'],
  ],
  [
    'db/a.ts',
    ['../domain/graph.ts', '../runtime/logger.ts'],
    ['../activities/index.ts', '../api/app.ts', '../worker/bundle.ts'],
  ],
  ['llm/a.ts', ['../contracts/models.ts'], ['../activities/index.ts', '../workflows/index.ts']],
  [
    'worker/a.ts',
    ['../activities/index.ts', '../db/knex.ts', '../llm/types.ts'],
    ['../api/app.ts', '../bench/run.ts'],
  ],
  [
    'runtime/a.ts',
    ['../contracts/models.ts', '../domain/graph.ts'],
    ['../db/knex.ts', '../api/app.ts', '../worker/bundle.ts', '../llm/types.ts', '../workflows/index.ts'],
  ],
  ['runtime/stack/a.ts', ['../../db/schema/migrate.ts'], ['../../api/app.ts', '../../worker/bundle.ts']],
  [
    'runtime/commands/a.ts',
    ['../../api/run-api.ts', '../../worker/run-worker.ts'],
    ['../../activities/index.ts', '../../llm/types.ts', '../../workflows/index.ts'],
  ],
];

test('a room imports what it may, and nothing else', () => {
  copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  const expected: string[] = [];
  const write = (file: string, specifiers: string[], verdict: 'allowed' | 'refused'): void => {
    specifiers.forEach((specifier, index) => {
      const path = join(dirname(file), `${verdict}-${index}.ts`);
      const isType = specifier.startsWith('type:');
      const from = specifier.replace('type:', '');
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(
        join(folder, path),
        isType
          ? `import type { A } from '${from}';\nexport type B = A;\n`
          : `import { a } from '${from}';\nexport const b = a;\n`,
      );
      if (verdict === 'refused') expected.push(`${path}: ${specifier}`);
    });
  };
  for (const [file, allowed, refused] of DIRECTIONS) {
    write(file, allowed, 'allowed');
    write(file, refused, 'refused');
  }
  const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['--format', 'json'], {
    cwd: folder,
    encoding: 'utf8',
  });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { code: string; filename: string }[] };
  const found = diagnostics
    .filter(({ code }) => code === 'eslint(no-restricted-imports)')
    .map(({ filename }) => filename);
  assert.deepEqual([...new Set(found)].sort(), expected.map((line) => line.split(':')[0]!).sort());
});
