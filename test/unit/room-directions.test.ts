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
  ['domain/text/a.ts', ['./b.ts'], ['../graph/graph.ts', '../../contracts/turn.ts', 'node:fs', 'zod']],
  ['domain/graph/a.ts', ['../text/json.ts'], ['../rules/finding.ts', '../edit/renames.ts', '../../db/a.ts']],
  ['domain/rules/a.ts', ['../text/json.ts', '../graph/graph.ts'], ['../edit/renames.ts', 'node:fs']],
  ['domain/edit/a.ts', ['../rules/finding.ts', '../graph/graph.ts'], ['../../models/models.ts', 'zod']],
  [
    'domain/dry-run/a.ts',
    ['../rules/finding.ts', '../text/json.ts'],
    ['../edit/renames.ts', 'node:fs', 'zod'],
  ],
  [
    'contracts/a.ts',
    ['../domain/graph/graph.ts'],
    ['../db/settings.ts', '../runtime/config.ts', '../llm/types.ts', '../models/models.ts'],
  ],
  [
    'client/src/a.ts',
    ['./b.ts', 'eventsource-parser', '../../domain/graph/apply-diff.ts', '../../domain/text/json.ts'],
    [
      '../../domain/rules/finding.ts',
      '../../domain/edit/renames.ts',
      '../../domain/dry-run/value.ts',
      '../../contracts/events.ts',
      '../../contracts/errors.ts',
      '../../api/app.ts',
      '../../db/settings.ts',
      'node:fs',
      'events',
      'eventsource-parser/stream',
      'zod',
    ],
  ],
  [
    'models/a.ts',
    ['../contracts/events.ts'],
    ['../runtime/config.ts', '../llm/types.ts', '../db/settings.ts'],
  ],
  [
    'runtime/a.ts',
    ['../models/models.ts', '../domain/text/json.ts'],
    ['../db/settings.ts', '../api/app.ts', '../worker/bundle.ts', '../llm/types.ts', '../stack/ports.ts'],
  ],
  [
    'workflows/a.ts',
    [
      '../domain/graph/graph.ts',
      '../contracts/names.ts',
      '../contracts/limits.ts',
      '../contracts/errors.ts',
      'type:../contracts/tools.ts',
      'type:../contracts/turn.ts',
      'type:../activities/index.ts',
    ],
    [
      '../contracts/turn.ts',
      '../contracts/nations.ts',
      '../contracts/names-and-more.ts',
      '../contracts/turn-workflow-id.ts',
      '../contracts/tools.ts',
      '../activities/index.ts',
      '../db/settings.ts',
      '../runtime/config.ts',
      'node:fs',
    ],
  ],
  [
    'activities/a.ts',
    [
      './tools/registry.ts',
      '../domain/graph/graph.ts',
      '../contracts/turn.ts',
      'type:../db/turns/turn.ts',
      'type:../llm/types.ts',
    ],
    [
      '../db/turns/turn.ts',
      '../llm/types.ts',
      '../api/app.ts',
      '../workflows/chat-turn.ts',
      '../worker/bundle.ts',
    ],
  ],
  [
    'activities/tools/a.ts',
    ['../deps.ts', '../attempt/attempt.ts', '../../domain/text/json.ts', 'type:../../db/turns/turn.ts'],
    ['../../db/turns/turn.ts', '../../api/app.ts', '../../stack/ports.ts'],
  ],
  [
    'activities/tools/assets/a.ts',
    ['../registry.ts', '../../deps.ts', '../../../domain/text/json.ts', 'type:../../../db/fence.ts'],
    ['../../../db/fence.ts', '../../../api/app.ts', '../../../stack/ports.ts'],
  ],
  [
    'api/a.ts',
    [
      '../workflows/messages.ts',
      '../db/turns/turn.ts',
      './graphs/router.ts',
      'type:../workflows/chat-turn.ts',
    ],
    ['../workflows/chat-turn.ts', '../activities/index.ts', '../llm/types.ts', '../worker/bundle.ts'],
  ],
  [
    'contracts/http/a.ts',
    ['../events.ts', '../../domain/text/uuid.ts'],
    ['../../db/turns/turn.ts', '../../api/app.ts', '../../runtime/logger.ts'],
  ],
  [
    'api/turns/a.ts',
    ['../../workflows/messages.ts', '../graphs/present.ts', 'type:../../workflows/chat-turn.ts'],
    ['../../workflows/chat-turn.ts', '../../workflows/index.ts', '../../activities/index.ts'],
  ],
  [
    'db/a.ts',
    ['./connection/knex.ts', '../domain/graph/graph.ts', '../runtime/logger.ts'],
    ['../activities/index.ts', '../api/app.ts', '../worker/bundle.ts', '../llm/types.ts'],
  ],
  [
    'db/turns/a.ts',
    ['../connection/knex.ts', '../settings.ts', '../../contracts/turn.ts'],
    ['../../api/app.ts', '../../stack/ports.ts'],
  ],
  [
    'db/events/a.ts',
    ['../connection/knex.ts', '../fence.ts', '../../contracts/turn.ts', '../../runtime/logger.ts'],
    ['../turns/turn.ts', '../sessions/messages.ts', '../../api/app.ts'],
  ],
  [
    'llm/a.ts',
    ['../models/models.ts'],
    ['../activities/index.ts', '../workflows/index.ts', '../db/settings.ts'],
  ],
  [
    'llm/adapters/a.ts',
    ['../types.ts', '../../models/models.ts'],
    ['../../db/settings.ts', '../../api/app.ts'],
  ],
  [
    'worker/a.ts',
    ['../activities/index.ts', '../db/connection/knex.ts', '../llm/types.ts'],
    ['../api/app.ts', '../bench/run.ts', '../stack/ports.ts', '../bin/start.ts'],
  ],
  [
    'stack/a.ts',
    ['../db/schema/migrate.ts', '../runtime/logger.ts'],
    ['../api/app.ts', '../worker/bundle.ts'],
  ],
  [
    'bin/a.ts',
    ['../api/run-api.ts', '../worker/run-worker.ts', '../stack/ports.ts'],
    ['../activities/index.ts', '../llm/types.ts', '../workflows/index.ts', '../test/run.ts'],
  ],
  [
    'eval/a.ts',
    ['./cases/index.ts', '../client/src/index.ts', '../worker/run-worker.ts', '../test/support/listen.ts'],
    ['../activities/index.ts', '../workflows/chat-turn.ts', '../domain/rules/finding.ts', '../bin/start.ts'],
  ],
  [
    'eval/service/a.ts',
    ['../case.ts', '../project/ids.ts', '../../api/run-api.ts', '../../stack/ports.ts'],
    ['../../domain/edit/renames.ts', '../../contracts/turn.ts', '../../bench/run.ts', '../../studio/a.ts'],
  ],
  [
    'studio/src/canvas/a.ts',
    ['../store/a.ts', '../design/a.ts', '../../../client/src/index.ts', 'react'],
    [
      '../../../client/src/client.ts',
      '../../../domain/graph/graph.ts',
      '../../../contracts/turn.ts',
      '../../../api/app.ts',
      'node:fs',
    ],
  ],
  // A folder that nobody has listed has no rights.
  ['attic/a.ts', ['./b.ts'], ['../domain/graph/graph.ts', '../contracts/turn.ts']],
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
