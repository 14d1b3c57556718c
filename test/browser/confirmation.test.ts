/** The confirmation card: what it shows, and every way in which a person decides. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { askForAgent, confirmationCard, hasAgent } from '../support/page-question.ts';
import { cancelButton, messageBox, untilStatus } from '../support/page-talk.ts';

const { browserTest } = describeInBrowser();

browserTest('approved: by keyboard alone, with the focus kept', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await messageBox(page).focus();
  const name = await askForAgent(page, system);
  await page.getByRole('timer', { name: 'Time left to decide' }).getByText('left').waitFor();
  await confirmationCard(page).getByText('Be brief.').waitFor();
  await page.getByRole('status').getByText('Waiting for your decision').waitFor();
  await page.getByText('waits for your decision').waitFor();
  assert.deepEqual(await findBarriers(page), []);
  assert.equal(await focusedLabel(page), 'Confirmation', 'nobody was typing: the question has the focus');
  await page.getByRole('button', { name: 'Approve' }).focus();
  await page.keyboard.press('Enter');
  await confirmationCard(page).getByText('Approved by you.').waitFor();
  assert.equal(await focusedLabel(page), 'Confirmation', 'the button is gone, the focus is not');
  await untilStatus(page, 'Answer complete');
  assert.equal(await hasAgent(system, name), true);
  assert.deepEqual(await findBarriers(page), []);
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('rejected with a reason, which the copilot reads', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const name = await askForAgent(page, system);
  await page.getByRole('button', { name: 'Give a reason' }).click();
  await page.keyboard.type('We have one already');
  await page.getByRole('button', { name: 'Reject', exact: true }).click();
  await confirmationCard(page).getByText('Rejected by you. Reason: We have one already').waitFor();
  await untilStatus(page, 'Answer complete');
  assert.equal(await hasAgent(system, name), false);
  assert.match(JSON.stringify(system.fake.requests.at(-1)?.body), /We have one already/);
  await page.context().close();
});

browserTest('both buttons are off from the click to the answer', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await askForAgent(page, system);
  const { promise, resolve } = Promise.withResolvers<void>();
  let posts = 0;
  await page.route('**/confirmations/*', async (route) => {
    posts += 1;
    await promise;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Approve' }).dblclick();
  await page.getByRole('button', { name: 'Approving…' }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Approving…' }).isDisabled(), true);
  assert.equal(await page.getByRole('button', { name: 'Reject', exact: true }).isDisabled(), true);
  resolve();
  await untilStatus(page, 'Answer complete');
  assert.equal(posts, 1);
  await page.context().close();
});

browserTest('the same card after a reload and in another tab, which decides it', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const name = await askForAgent(page, system);
  await page.reload();
  await confirmationCard(page).getByText(`Create the agent "${name}".`).waitFor();
  const second = await page.context().newPage();
  const key = await page.evaluate<string>('sessionStorage.getItem("copilot-key")');
  await second.goto(`${page.url()}#key=${key}`);
  await confirmationCard(second).getByText(`Create the agent "${name}".`).waitFor();
  await second.getByRole('button', { name: 'Approve' }).click();
  await confirmationCard(second).getByText('Approved by you.').waitFor();
  await confirmationCard(page).getByText('Approved in another tab or by another person.').waitFor();
  await page.context().close();
});

browserTest('cancelled: the card says that nothing was done', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const name = await askForAgent(page, system);
  await cancelButton(page).click();
  await confirmationCard(page).getByText('the turn was cancelled before a decision').waitFor();
  await untilStatus(page, 'Cancelled');
  assert.equal(await hasAgent(system, name), false);
  await page.context().close();
});

function focusedLabel(page: Page): Promise<string | null> {
  return page.evaluate<string | null>('document.activeElement.getAttribute("aria-label")');
}
