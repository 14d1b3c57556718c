/** The confirmation card when nobody decides. */
import assert from 'node:assert/strict';
import { describeInBrowser } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { askForAgent, confirmationCard, hasAgent } from '../support/page-question.ts';
import { untilStatus } from '../support/page-talk.ts';

const { browserTest } = describeInBrowser({ COPILOT_CONFIRMATION_TTL: '4 seconds' });

browserTest('expired: the card says that nobody decided', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const name = await askForAgent(page, system);
  await confirmationCard(page).getByText('Expired: nobody decided in time. Nothing was changed.').waitFor();
  await untilStatus(page, 'Answer complete');
  assert.equal(await hasAgent(system, name), false);
  await page.context().close();
});
