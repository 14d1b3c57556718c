/** Coming back to a turn: reload, other tabs, and every part of the service that can be away. */
import assert from 'node:assert/strict';
import { describeInBrowser } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import {
  cancelButton,
  holding,
  messageBox,
  say,
  shownWords,
  untilAnswered,
  untilStatus,
} from '../support/page-talk.ts';
import type { TurnSystem } from '../support/turn-system.ts';
import { until } from '../support/until.ts';

const { browserTest } = describeInBrowser();

browserTest('a reload in mid-answer goes on without a gap or a double', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { release } = holding(system, 'Reload', 40);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Reload me');
  await page.getByText('word20').waitFor();
  await page.reload();
  await page.getByText('word39').waitFor();
  assert.ok(await cancelButton(page).isVisible(), 'the running turn was joined');
  release();
  await untilAnswered(page, 40);
  assert.equal(await page.locator('.message-user').count(), 1);
  await page.context().close();
});

browserTest('two tabs show the same turn', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  const { release } = holding(system, 'Both', 10);
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  await messageBox(page).waitFor();
  const second = await page.context().newPage();
  const key = await page.evaluate<string>('sessionStorage.getItem("copilot-key")');
  await second.goto(`${page.url()}#key=${key}`);
  await messageBox(second).waitFor();
  await say(page, 'Both of you');
  await second.getByText('word9').waitFor();
  release();
  await untilStatus(page, 'Answer complete');
  await untilStatus(second, 'Answer complete');
  assert.deepEqual(await shownWords(second), await shownWords(page));
  await page.context().close();
});

browserTest('an API that dies and comes back is not a failure', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { release } = holding(system, 'Restart', 10);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Restart the API');
  await page.getByText('word9').waitFor();
  await system.stopApi();
  await page.getByRole('status').getByText('Reconnecting').waitFor();
  assert.equal(await page.getByRole('alert').count(), 0);
  release();
  await system.startApi();
  await untilAnswered(page, 10);
  await page.context().close();
});

browserTest('a worker that dies and comes back ends the turn as if nothing was', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  system.scripts.set('Worker', (step) =>
    step === 0
      ? { text: ['First. '], toolCalls: [{ name: 'get_db_schema', arguments: {} }] }
      : { text: ['Second.'] },
  );
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await system.stopWorker();
  await say(page, 'Worker gone');
  await page.locator('.message-user').getByText('Worker gone').waitFor();
  await page
    .getByRole('status')
    .getByText(/worker|Starting/i)
    .waitFor({ timeout: 60_000 });
  await system.startWorker();
  await untilStatus(page, 'Answer complete', 60_000);
  await page.getByText('Second.').waitFor();
  await page.context().close();
});

browserTest('an overloaded model is waited for, and said so', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  system.scripts.set('Busy', (_step, n) =>
    n === 1
      ? { error: { status: 529, body: { error: { type: 'overloaded', message: 'Overloaded' } } } }
      : { text: ['At last.'] },
  );
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Busy model');
  await untilStatus(page, 'Answer complete', 60_000);
  await page.getByText('At last.').waitFor();
  await page.context().close();
});

browserTest('a turn that runs already is joined, and the text is kept', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  const { release } = holding(system, 'Other', 10);
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  await page.getByRole('list', { name: 'Suggestions' }).waitFor();
  // Somebody else, in another browser: no tab can tell.
  const elsewhere = system.chat({ id: sessionId }, { message: 'Other person' });
  await untilRunning(system, sessionId);
  await say(page, 'My own words');
  await page.getByText('word9').waitFor();
  assert.equal(await messageBox(page).inputValue(), 'My own words');
  await page.getByRole('alert').getByText('still answering').waitFor();
  release();
  await elsewhere;
  await untilStatus(page, 'Answer complete');
  await messageBox(page).press('Enter');
  await page.locator('.message-user').getByText('My own words').waitFor();
  await page.context().close();
});

/** Waits until the service has a turn of the session. */
function untilRunning(system: TurnSystem, sessionId: string): Promise<void> {
  return until('the session has a turn', async () => {
    const turns = await system.db.withSchema('ai').table('copilot_turns').where({ session_id: sessionId });
    return turns.length > 0;
  });
}
