/** How the conversation keeps up with a long answer. `npm run bench -- page` measures how long it holds the main thread. */
import assert from 'node:assert/strict';
import { describeInBrowser } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { messageBox, say, untilStatus } from '../support/page-talk.ts';

const { browserTest } = describeInBrowser();

browserTest('an answer of 10,000 pieces does not hold up the page', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const pieces = Array.from({ length: 10_000 }, (_, index) =>
    index % 40 === 39 ? `end ${index}.\n\n` : index % 400 === 200 ? '\n\n- item **bold**\n' : `w${index} `,
  );
  const { promise: end, resolve: release } = Promise.withResolvers<void>();
  system.scripts.set('Long', () => ({ text: pieces, pieceMs: 1, holdEnd: end }));
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await page.getByRole('list', { name: 'Suggestions' }).waitFor();
  await say(page, 'Long answer');
  await page.getByText('end 39.').waitFor();
  // Typing works while the answer streams.
  await messageBox(page).pressSequentially('Typed meanwhile');
  assert.equal(await messageBox(page).inputValue(), 'Typed meanwhile');
  release();
  await untilStatus(page, 'Answer complete', 120_000);
  await page.getByText('end 9999.').waitFor();

  await page.reload();
  await page.getByText('end 9999.').waitFor();
  await page.context().close();
});
