/** Around the conversation: the list of sessions, links to one, the model. */
import assert from 'node:assert/strict';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { messageBox, say, untilStatus } from '../support/page-talk.ts';

const { browserTest } = describeInBrowser();

browserTest('conversations are listed, opened, begun and deleted', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  await system.chat({ id: sessionId }, { message: 'The first conversation' });
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await page.locator('.message-user').getByText('The first conversation').waitFor();
  await page.getByRole('button', { name: 'New conversation' }).click();
  await page.getByRole('list', { name: 'Suggestions' }).waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await say(page, 'The second conversation');
  await untilStatus(page, 'Answer complete');
  assert.notEqual(new URL(page.url()).searchParams.get('session'), sessionId);

  const menu = page.getByRole('button', { name: /^Conversations/ });
  await menu.click();
  const first = page.getByRole('button', { name: /^The first conversation.*2 messages/ });
  await first.waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await first.click();
  await page.locator('.message-user').getByText('The first conversation').waitFor();
  assert.equal(new URL(page.url()).searchParams.get('session'), sessionId);

  await menu.click();
  await page.getByRole('button', { name: 'Delete The first conversation' }).click();
  const dialog = page.getByRole('dialog', { name: 'Delete this conversation?' });
  assert.deepEqual(await findBarriers(page), []);
  await dialog.getByRole('button', { name: 'Keep it' }).click();
  await menu.click();
  await page.getByRole('button', { name: 'Delete The first conversation' }).click();
  await dialog.getByRole('button', { name: 'Delete', exact: true }).click();
  await page.getByRole('list', { name: 'Suggestions' }).waitFor();
  const gone = await system.call('GET', `/api/copilot/sessions/${sessionId}/messages`);
  assert.equal(gone.status, 404);
  assert.equal(new URL(page.url()).searchParams.get('session'), null);
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('a link opens its conversation', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  await system.chat({ id: sessionId }, { message: 'Linked conversation' });
  await system.call('POST', '/api/copilot/sessions', { workflow_id: workflowId });
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  await page.locator('.message-user').getByText('Linked conversation').waitFor();
  await page.context().close();
});

browserTest('the model is chosen among those that are available', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const picker = page.getByRole('combobox', { name: 'Model' });
  await picker.locator('option', { hasText: 'GPT-4.1' }).first().waitFor({ state: 'attached' });
  const missing = picker.locator('option', { hasText: 'needs ANTHROPIC_API_KEY' }).first();
  assert.equal(await missing.isDisabled(), true);
  await picker.selectOption('gpt-4.1');
  await say(page, 'Which model');
  await untilStatus(page, 'Answer complete');
  await page.locator('.message-model').getByText('gpt-4.1').waitFor();
  await picker.selectOption('gpt-5.2');
  await page.context().close();
});

browserTest('all of it by keyboard', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  const suggestion = page.getByRole('button', { name: /^Why did the last run fail/ });
  await suggestion.focus();
  await page.keyboard.press('Enter');
  await untilStatus(page, 'Answer complete');
  assert.equal(await page.evaluate<string>('document.activeElement.id'), 'message');
  await page.keyboard.type('And then?');
  await page.keyboard.press('Enter');
  await page.locator('.message-user').getByText('And then?').waitFor();
  await untilStatus(page, 'Answer complete');
  await page.getByRole('group', { name: 'Messages' }).focus();
  await page.keyboard.press('Tab');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await page.getByRole('region', { name: 'Events' }).waitFor();
  await page.getByRole('button', { name: /^Conversations/ }).focus();
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: /^Why did the last run fail.*messages/ }).waitFor();
  await page.keyboard.press('Escape');
  assert.match(
    await page.evaluate<string>('document.activeElement.textContent'),
    /^Conversations/,
    'Escape gives the focus back',
  );
  await messageBox(page).focus();
  await page.context().close();
});
