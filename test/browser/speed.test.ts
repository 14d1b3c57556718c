/** How the conversation keeps up: the main thread during a long answer, and a long turn that is opened. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { describeInBrowser } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { say, untilStatus } from '../support/page-talk.ts';

const { browserTest } = describeInBrowser();

/** The bench measures the promise of 50 ms; a machine that runs other tests as well takes longer now and then. */
const LONGEST_MS = 250;

async function watchLongTasks(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(`
    globalThis.longest = 0;
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, duration);
    }).observe({ type: 'longtask' });
  `);
  return () => page.evaluate<number>('globalThis.longest');
}

browserTest('an answer of 10,000 pieces does not hold up the page', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const pieces = Array.from({ length: 10_000 }, (_, index) =>
    index % 40 === 39 ? `end ${index}.\n\n` : index % 400 === 200 ? '\n\n- item **bold**\n' : `w${index} `,
  );
  system.scripts.set('Long', () => ({ text: pieces, pieceMs: 1 }));
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await page.getByRole('list', { name: 'Suggestions' }).waitFor();
  const longest = await watchLongTasks(page);
  await say(page, 'Long answer');
  await untilStatus(page, 'Answer complete', 120_000);
  await page.getByText('end 9999.').waitFor();
  const whileStreaming = await longest();

  const started = Date.now();
  await page.reload();
  await page.getByText('end 9999.').waitFor();
  const opened = Date.now() - started;
  assert.ok(whileStreaming < LONGEST_MS, `longest task: ${whileStreaming} ms`);
  assert.ok(opened < 5_000, `opened in ${opened} ms`);
  await page.context().close();
});
