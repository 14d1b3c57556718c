/** The page is built when its sources changed, and only then; a build that fails takes nothing away. */
import assert from 'node:assert/strict';
import {
  appendFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { buildStudio } from '../../bin/build-studio.ts';
import { createStudioFiles } from '../../api/studio/files.ts';

const CHECKOUT = join(import.meta.dirname, '../..');
const root = mkdtempSync(join(tmpdir(), 'copilot-build-'));
after(() => rmSync(root, { recursive: true }));
for (const name of [
  'studio',
  'client',
  'domain',
  'contracts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
])
  cpSync(join(CHECKOUT, name), join(root, name), {
    recursive: true,
    filter: (path) => !/studio\/dist|node_modules/.test(path),
  });
symlinkSync(join(CHECKOUT, 'node_modules'), join(root, 'node_modules'));
const readStudio = createStudioFiles(join(root, 'studio'));

test('a build is made once, again when a source changes, and a failing one is told', async () => {
  assert.equal((await readStudio()).state, 'missing');
  // As a build leaves it that was killed: no process has such a pid.
  mkdirSync(join(root, 'studio/dist.4194999'));
  assert.deepEqual(await buildStudio(root), { ok: true, built: true });
  assert.equal((await readStudio()).state, 'built');
  assert.deepEqual(await buildStudio(root), { ok: true, built: false });

  appendFileSync(join(root, 'domain/graph/apply-diff.ts'), '\n// Changed.\n');
  assert.deepEqual(await buildStudio(root), { ok: true, built: true });

  const main = join(root, 'studio/src/main.tsx');
  const source = readFileSync(main, 'utf8');
  writeFileSync(main, `${source}\nconst broken = ;\n`);
  const failed = await buildStudio(root);
  assert.ok(!failed.ok && /main\.tsx/.test(failed.reason), JSON.stringify(failed));
  assert.equal((await readStudio()).state, 'failed');
  assert.deepEqual(
    readdirSync(join(root, 'studio')).filter((name) => name.startsWith('dist.') && name !== 'dist.failed'),
    [],
  );

  // The sources are those of the last good build: it is whole, but for the note that the next one failed.
  writeFileSync(main, source);
  assert.equal((await buildStudio(root)).ok, true);
  assert.equal((await readStudio()).state, 'built');
});

test('without the build tool a finished page is kept, and a missing one is told', async () => {
  rmSync(join(root, 'node_modules'));
  assert.deepEqual(await buildStudio(root), { ok: true, built: false });
  rmSync(join(root, 'studio/dist'), { recursive: true });
  assert.deepEqual(await buildStudio(root), { ok: false, reason: 'the build tool is not installed' });
});
