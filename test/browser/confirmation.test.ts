/** The confirmation card: what it shows, and every way in which it is decided. */
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { cancelButton, messageBox, say, untilStatus } from '../support/page-talk.ts';
import type { TurnSystem } from '../support/turn-system.ts';

const { browserTest } = describeInBrowser();
/** A second system: its questions are open for a moment only. */
const { browserTest: hastyTest } = describeInBrowser({ COPILOT_CONFIRMATION_TTL: '4 seconds' });

let created = 0;

/** Asks for an agent by a message; gives its name. */
async function ask(page: Page, system: TurnSystem): Promise<string> {
  created += 1;
  const name = `Support ${created}`;
  const data = { name, model: 'gpt-5.2', system_prompt: 'You are Support.\nBe brief.' };
  system.scripts.set(`Make${created}`, (step) =>
    step === 0
      ? {
          text: ['I ask you.'],
          toolCalls: [{ name: 'manage_project_asset', arguments: { action: 'create', kind: 'agent', data } }],
        }
      : { text: ['Settled.'] },
  );
  await say(page, `Make${created} an agent`);
  await card(page).getByText(`Create the agent "${name}".`).waitFor();
  return name;
}

function card(page: Page): Locator {
  return page.getByRole('region', { name: 'Confirmation' });
}

async function hasAgent(system: TurnSystem, name: string): Promise<boolean> {
  const rows = await system.db.withSchema('public').table('agents').where({ name });
  return rows.length > 0;
}

browserTest('approved: by keyboard alone, with the focus kept', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await messageBox(page).focus();
  const name = await ask(page, system);
  await page.getByRole('timer', { name: 'Time left to decide' }).getByText('left').waitFor();
  await card(page).getByText('Be brief.').waitFor();
  await page.getByRole('status').getByText('Waiting for your decision').waitFor();
  assert.deepEqual(await findBarriers(page), []);
  assert.equal(await focusedLabel(page), 'Confirmation', 'nobody was typing: the question has the focus');
  await page.getByRole('button', { name: 'Approve' }).focus();
  await page.keyboard.press('Enter');
  await card(page).getByText('Approved by you.').waitFor();
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
  const name = await ask(page, system);
  await page.getByRole('button', { name: 'Give a reason' }).click();
  await page.keyboard.type('We have one already');
  await page.getByRole('button', { name: 'Reject', exact: true }).click();
  await card(page).getByText('Rejected by you. Reason: We have one already').waitFor();
  await untilStatus(page, 'Answer complete');
  assert.equal(await hasAgent(system, name), false);
  assert.match(JSON.stringify(system.fake.requests.at(-1)?.body), /We have one already/);
  await page.context().close();
});

browserTest('both buttons are off from the click to the answer', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await ask(page, system);
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
  const name = await ask(page, system);
  await page.reload();
  await card(page).getByText(`Create the agent "${name}".`).waitFor();
  const second = await page.context().newPage();
  const key = await page.evaluate<string>('sessionStorage.getItem("copilot-key")');
  await second.goto(`${page.url()}#key=${key}`);
  await card(second).getByText(`Create the agent "${name}".`).waitFor();
  await second.getByRole('button', { name: 'Approve' }).click();
  await card(second).getByText('Approved by you.').waitFor();
  await card(page).getByText('Approved in another tab or by another person.').waitFor();
  await page.context().close();
});

browserTest('cancelled: the card says that nothing was done', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const name = await ask(page, system);
  await cancelButton(page).click();
  await card(page).getByText('the turn was cancelled before a decision').waitFor();
  await untilStatus(page, 'Cancelled');
  assert.equal(await hasAgent(system, name), false);
  await page.context().close();
});

hastyTest('expired: the card says that nobody decided', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const name = await ask(page, system);
  await card(page).getByText('Expired: nobody decided in time. Nothing was changed.').waitFor();
  await untilStatus(page, 'Answer complete');
  assert.equal(await hasAgent(system, name), false);
  await page.context().close();
});

function focusedLabel(page: Page): Promise<string | null> {
  return page.evaluate<string | null>('document.activeElement.getAttribute("aria-label")');
}
