/**
 * A newcomer's first minute: a fresh checkout with its dependencies installed, `npm start`, the printed link, a suggestion,
 * Apply. No key, no model, no browser history.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { CHROMIUM, launchBrowser, openLink } from '../support/browser.ts';

const ROOT = join(import.meta.dirname, '../..');
const LIMIT_MS = 60_000;
/** Where a picture of the page goes, such as docs/studio.png for the README. */
const PICTURE = process.env.STUDIO_PICTURE;

const folder = mkdtempSync(join(tmpdir(), 'copilot-first-'));
// When the test runs as root, Postgres runs as another user, who must be able to enter the folder.
chmodSync(folder, 0o711);
const checkout = join(folder, 'checkout');
after(() => rmSync(folder, { recursive: true, force: true }));

/** The files of this checkout that belong to the repository, as a clone has them. */
function clone(): void {
  const { status, stdout } = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });
  assert.equal(status, 0);
  for (const file of stdout.split('\0').filter((name) => name !== '')) {
    mkdirSync(dirname(join(checkout, file)), { recursive: true });
    cpSync(join(ROOT, file), join(checkout, file), { preserveTimestamps: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(checkout, 'node_modules'));
}

test('from npm start to an applied change in less than a minute', {
  skip: CHROMIUM === null ? 'no Chromium on this machine' : false,
}, async () => {
  clone();
  const startedAt = Date.now();
  const npm = spawn('npm', ['start'], {
    cwd: checkout,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      ...(process.env.XDG_CACHE_HOME === undefined ? {} : { XDG_CACHE_HOME: process.env.XDG_CACHE_HOME }),
      COPILOT_DATA_DIR: join(folder, 'data'),
      PORT: '0',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => npm.once('exit', resolve));
  const browser = await launchBrowser();
  try {
    let output = '';
    let link: string | undefined;
    for await (const chunk of npm.stdout) {
      output += String(chunk);
      link = /^Studio: +(\S+)$/m.exec(output)?.[1];
      if (link !== undefined) break;
    }
    assert.ok(link, output);
    const { page, takeProblems } = await openLink(browser, link, { viewport: { width: 1440, height: 900 } });
    await page.getByRole('button', { name: /Add a step that sends Slack notifications/ }).click();
    const proposal = page.getByRole('region', { name: 'Proposal' });
    await proposal.getByRole('button', { name: 'Apply' }).waitFor({ timeout: LIMIT_MS });
    await page.locator('[data-change="added"]').first().waitFor();
    if (PICTURE !== undefined) await page.screenshot({ path: PICTURE, animations: 'disabled' });
    await proposal.getByRole('button', { name: 'Apply' }).click();
    await proposal.getByText('The change is applied and saved.').waitFor();
    const ms = Date.now() - startedAt;
    assert.ok(ms < LIMIT_MS, `${ms} ms`);
    assert.deepEqual(takeProblems(), []);
  } finally {
    await browser.close();
    npm.kill('SIGTERM');
    await ended;
  }
});
