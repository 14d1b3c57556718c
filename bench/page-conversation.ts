/** The conversation of the page: a long answer while it streams, and a long turn that is opened. */
import type { Browser, Page } from 'playwright-core';
import { messageBox, say, untilStatus } from '../test/support/page-talk.ts';
import type { Answer } from './model-server.ts';
import { traceMainThread } from './page-trace.ts';
import { percentile } from './stats.ts';

const STREAM_LIMIT_MS = 300_000;
const OPENINGS = 5;

/** Milliseconds of processor time of the longest task of the main thread while an answer streams. */
export async function measureStreaming(browser: Browser, page: Page, pieces: number): Promise<number> {
  const { tasks } = await traceMainThread(browser, () => ask(page, { pieces, pieceMs: 1, toolSteps: 0 }));
  return Math.max(...tasks);
}

/** The median time in milliseconds from the address to the readable end of a finished turn with that many pieces. */
export async function measureOpening(page: Page, pieces: number): Promise<number> {
  await page.getByRole('button', { name: 'New conversation' }).click();
  await ask(page, { pieces, pieceMs: 2, toolSteps: 0 });
  const times: number[] = [];
  for (let n = 0; n < OPENINGS; n += 1) {
    const startedAt = performance.now();
    await page.reload();
    await page.getByRole('button', { name: 'Events' }).waitFor();
    times.push(performance.now() - startedAt);
  }
  return percentile(times, 0.5);
}

async function ask(page: Page, answer: Answer): Promise<void> {
  await messageBox(page).waitFor();
  await say(page, JSON.stringify(answer));
  await untilStatus(page, 'Answer complete', STREAM_LIMIT_MS);
}
