/** The page in a real browser, on the real service with the model server that a test scripts. */
import assert from 'node:assert/strict';
import { accessSync, constants, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, test, type TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { buildStudio } from '../../bin/build-studio.ts';
import { signToken } from './test-api.ts';
import { startTurnSystem, type TurnSystem } from './turn-system.ts';

const PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome-stable',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];
/** Where this machine has a Chromium; null: browser tests are skipped, and say so. */
export const CHROMIUM = PLACES.find(isExecutable) ?? null;

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const WAIT_MS = 30_000;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Starts the machine's Chromium. */
export function launchBrowser(): Promise<Browser> {
  assert.ok(CHROMIUM, 'no Chromium on this machine');
  return chromium.launch({
    executablePath: CHROMIUM,
    args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
  });
}

export interface OpenOptions extends BrowserContextOptions {
  /** Path and query; the key is added as the printed link has it. */
  path?: string;
  /** False: the link without a key. */
  withKey?: boolean;
  /** In place of a key that the tests sign. */
  key?: string;
}

export interface BrowserSystem {
  system: TurnSystem;
  browser: Browser;
  /** Opens the page in a context of its own. Its errors fail the test that calls `noProblems`. */
  open: (options?: OpenOptions) => Promise<StudioPage>;
}

export interface StudioPage {
  page: Page;
  /** Errors of the console and refusals of the policy so far; reading empties the list. */
  takeProblems: () => string[];
}

/** The system of a test file: started before its tests, closed after them. `browserTest` gives it to each test. */
export function describeInBrowser(env: Record<string, string> = {}): {
  browserTest: (name: string, body: (studio: BrowserSystem, context: TestContext) => Promise<void>) => void;
} {
  let running: (BrowserSystem & { close(): Promise<void> }) | null = null;
  before(async () => {
    if (CHROMIUM !== null) running = await startBrowserSystem(env);
  });
  after(async () => {
    await running?.close();
  });
  return {
    browserTest: (name, body) =>
      void test(name, {
        skip: CHROMIUM === null ? 'no Chromium on this machine' : false,
      }, async (context) => {
        assert.ok(running);
        await body(running, context);
      }),
  };
}

async function startBrowserSystem(
  env: Record<string, string>,
): Promise<BrowserSystem & { close(): Promise<void> }> {
  const built = await buildStudio();
  assert.ok(built.ok, built.ok ? '' : built.reason);
  const [system, browser] = await Promise.all([startTurnSystem(env), launchBrowser()]);
  return {
    system,
    browser,
    open: (options) => openStudio(browser, system.url, options),
    async close() {
      await browser.close();
      await system.close();
    },
  };
}

/** Opens the page of a service. */
export async function openStudio(
  browser: Browser,
  url: string,
  { path = '/', withKey = true, key, ...options }: OpenOptions = {},
): Promise<StudioPage> {
  const fragment = withKey ? `#key=${key ?? (await signToken({ sub: 'studio' }))}` : '';
  return openLink(browser, url + path + fragment, options);
}

/** Opens a link in a context of its own, and notes what goes wrong on the page. */
export async function openLink(
  browser: Browser,
  link: string,
  options: BrowserContextOptions = {},
): Promise<StudioPage> {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT_MS);
  let problems: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
  });
  page.on('pageerror', (error) => problems.push(String(error)));
  await page.goto(link);
  return {
    page,
    takeProblems() {
      const taken = problems;
      problems = [];
      return taken;
    },
  };
}

/** What axe finds on the page as it is now: one line per finding. */
export async function findBarriers(page: Page): Promise<string[]> {
  // Evaluated by the debugger, which the page's policy does not concern.
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: {
        run: () => Promise<{
          violations: { id: string; help: string; nodes: { html: string; failureSummary?: string }[] }[];
        }>;
      };
    };
    const { violations } = await axe.run();
    return violations.flatMap(({ id, help, nodes }) =>
      nodes.map(
        ({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 200)} ${failureSummary ?? ''}`,
      ),
    );
  });
}
