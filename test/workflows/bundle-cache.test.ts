/** The kept workflow bundle: used while nothing changed, and never when anything did. */
import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type Bundle, bundleWorkflows } from '../../worker/bundle.ts';
import { loadWorkflowBundle } from '../../worker/bundle-cache.ts';

const ROOT = join(import.meta.dirname, '../..');
/** The cache does not trust files that changed just before a bundling. */
const SETTLED_MS = 100;
let folder: string;
let cacheFile: string;
let workflowsPath: string;
let wordFile: string;
let bundlings = 0;

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'copilot-bundle-'));
  cacheFile = join(folder, 'cache/bundle');
  workflowsPath = join(folder, 'workflows/index.ts');
  wordFile = join(folder, 'workflows/word.ts');
  mkdirSync(join(folder, 'workflows'));
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(workflowsPath, `import { word } from './word.ts';\nexport const say = async () => word;\n`);
});
after(() => rmSync(folder, { recursive: true }));

async function writeWord(word: string): Promise<void> {
  writeFileSync(wordFile, `export const word: string = '${word}';\n`);
  await delay(SETTLED_MS);
}

/** In place of webpack where the cache alone is tested. */
async function copyWord(): Promise<Bundle> {
  bundlings += 1;
  return { code: readFileSync(wordFile, 'utf8'), files: [workflowsPath, wordFile] };
}

async function load(bundle = copyWord, file = cacheFile): Promise<string> {
  return (await loadWorkflowBundle({ workflowsPath, cacheFile: file, bundle })).code;
}

test('a changed file gives another bundle', async () => {
  const bundle = (path: string): Promise<Bundle> => {
    bundlings += 1;
    return bundleWorkflows(path);
  };
  await writeWord('first');
  const first = await loadWorkflowBundle({ workflowsPath, cacheFile, bundle });
  assert.match(first.code, /'first'/);
  assert.deepEqual(await loadWorkflowBundle({ workflowsPath, cacheFile, bundle }), first);
  assert.equal(bundlings, 1, 'the second start bundles nothing');

  await writeWord('other');
  // Size and time are those of before: only the content tells.
  utimesSync(wordFile, new Date(0), new Date(0));
  const other = await loadWorkflowBundle({ workflowsPath, cacheFile, bundle });
  assert.match(other.code, /'other'/);
  assert.doesNotMatch(other.code, /'first'/);
  assert.deepEqual(readdirSync(join(folder, 'cache')), ['bundle'], 'nothing of before stays');
});

test('a damaged cache file is no bundle', async () => {
  await writeWord('whole');
  const whole = await load();
  const content = readFileSync(cacheFile, 'utf8');
  for (const damaged of [
    content.slice(0, -1),
    content.replace("'whole'", "'wrong'"),
    content.slice(0, 9),
    '',
  ]) {
    writeFileSync(cacheFile, damaged);
    const before = bundlings;
    assert.equal(await load(), whole);
    assert.equal(bundlings, before + 1);
  }
});

test('a bundle of another module is not taken', async () => {
  await writeWord('mine');
  await load();
  const theirs = { code: 'theirs', files: [wordFile] };
  const options = { workflowsPath: wordFile, cacheFile, bundle: async () => theirs };
  assert.equal((await loadWorkflowBundle(options)).code, 'theirs');
});

test('a file that changes while it is bundled is not kept under its new content', async () => {
  await writeWord('before');
  const stale = await load(async () => {
    const bundle = await copyWord();
    await writeWord('after');
    return bundle;
  });
  assert.match(stale, /'before'/);
  assert.match(await load(), /'after'/);
});

test('without a place for the cache there is a bundle all the same', async () => {
  await writeWord('placeless');
  assert.match(await load(copyWord, join(wordFile, 'bundle')), /'placeless'/);
});
