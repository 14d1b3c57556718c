/** The conversation: streaming, errors, the composer, scrolling. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import {
  cancelButton,
  conversation,
  holding,
  messageBox,
  say,
  shownWords,
  untilAnswered,
  untilStatus,
} from '../support/page-talk.ts';

const { browserTest } = describeInBrowser({ TEMPORAL_UI_URL: 'http://temporal.example' });

browserTest('an answer streams, is whole at the end, and says what it cost', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { release } = holding(system, 'Tell', 30);
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Tell me');
  await page.getByText('word29').waitFor();
  assert.equal(await messageBox(page).inputValue(), '', 'the text was taken');
  assert.ok(await cancelButton(page).isVisible());
  assert.deepEqual(await findBarriers(page), []);
  release();
  await untilAnswered(page, 30);
  await conversation(page).getByText('100 in, 20 out').waitFor();
  assert.ok(new URL(page.url()).searchParams.get('session'), 'the address names the conversation');
  await page.getByRole('button', { name: 'Events' }).click();
  await page.getByRole('region', { name: 'Events' }).getByText('complete').waitFor();
  const link = page.getByRole('link', { name: 'Open in the Temporal UI' });
  assert.match((await link.getAttribute('href'))!, /^http:\/\/temporal\.example\/namespaces\//);
  assert.deepEqual(await findBarriers(page), []);
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('what is on the canvas goes along, saved or not', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await page.getByRole('region', { name: 'Canvas' }).getByRole('group', { name: 'Reply' }).click();
  await page.keyboard.press('Delete');
  await say(page, 'Look at this');
  await untilStatus(page, 'Answer complete');
  const sent = JSON.stringify(
    system.fake.requests.findLast(({ message }) => message === 'Look at this')?.body,
  );
  assert.match(sent, /Decide/);
  assert.doesNotMatch(sent, /Reply/);
  await page.context().close();
});

browserTest('a failed turn says what to do, also after a reload', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  system.scripts.set('Denied', () => ({
    error: { status: 401, body: { error: { message: 'no', code: 'invalid_api_key' } } },
  }));
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Denied please');
  await untilStatus(page, 'The turn failed');
  const told = page.getByRole('alert').getByText('The model refused the service’s key');
  await told.waitFor();
  assert.deepEqual(await findBarriers(page), []);
  await page.reload();
  await told.waitFor();
  await page.context().close();
});

browserTest('a message that can not be sent is kept', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  await messageBox(page).waitFor();
  await page.route('**/chat', (route) =>
    route.fulfill({ status: 503, json: { error: 'The model has no key: set OPENAI_API_KEY' } }),
  );
  await say(page, 'Keep me');
  await page.getByRole('alert').getByText('set OPENAI_API_KEY').waitFor();
  assert.equal(await messageBox(page).inputValue(), 'Keep me');
  assert.deepEqual(await findBarriers(page), []);
  await page.reload();
  assert.equal(await messageBox(page).inputValue(), 'Keep me', 'a reload keeps it, too');
  await page.context().close();
});

browserTest('a refused key is asked for again, and the message goes on', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  await messageBox(page).waitFor();
  const key = await page.evaluate<string>('sessionStorage.getItem("copilot-key")');
  let refused = false;
  await page.route('**/chat', (route) => {
    if (refused) return route.continue();
    refused = true;
    return route.fulfill({ status: 401, json: { error: 'The token has expired' } });
  });
  await say(page, 'Expired key');
  const dialog = page.getByRole('dialog', { name: 'The key is not valid any more' });
  await dialog.getByRole('textbox', { name: 'Key' }).fill(key);
  await page.keyboard.press('Enter');
  await untilStatus(page, 'Answer complete');
  assert.equal(system.fake.requests.filter(({ message }) => message === 'Expired key').length, 1);
  await page.context().close();
});

browserTest('cancel keeps what was said', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { release } = holding(system, 'Stop', 5);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Stop this');
  await page.getByText('word4').waitFor();
  await cancelButton(page).click();
  await untilStatus(page, 'Cancelled');
  release();
  await page.getByText('What was done so far is kept').waitFor();
  assert.equal((await shownWords(page)).length, 5);
  const focused = await page.evaluate<string>('document.activeElement.id');
  assert.equal(focused, 'message', 'the focus is where one goes on');
  await page.context().close();
});

browserTest('Shift+Enter and input methods do not send', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  const box = messageBox(page);
  await box.fill('one');
  await box.press('Shift+Enter');
  await page.keyboard.type('two');
  assert.equal(await box.inputValue(), 'one\ntwo');
  await box.dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true });
  assert.equal(await box.inputValue(), 'one\ntwo');
  assert.equal(await page.locator('.message-user').count(), 0);
  await page.context().close();
});

browserTest('older messages load upwards and nothing jumps', async ({ open, system }) => {
  const { workflowId, sessionId } = await makeFlow(system);
  const rows = Array.from({ length: 120 }, (_, index) => ({
    session_id: sessionId,
    role: index % 2 === 0 ? 'user' : 'assistant',
    content: `Number ${index}`,
    created_at: new Date(Date.now() - 10_000_000 + index * 1_000),
  }));
  await system.db.withSchema('ai').table('copilot_messages').insert(rows);
  const { page } = await open({ path: `/?workflow=${workflowId}&session=${sessionId}` });
  await page.getByText('Number 119', { exact: true }).waitFor();
  assert.equal(await page.getByText('Number 60', { exact: true }).count(), 0);
  const seen = page.getByText('Number 72', { exact: true });
  const place = async (): Promise<number> => Math.round((await seen.boundingBox())?.y ?? NaN);
  await scrollTo(page, 1_000);
  await page.getByRole('button', { name: 'Jump to newest' }).waitFor();
  await nextFrames(page);
  const before = (await place()) + 1_000;
  await scrollTo(page, 200);
  await page.getByText('Number 30', { exact: true }).waitFor({ state: 'attached' });
  await nextFrames(page);
  assert.equal(await place(), before - 200, 'what is read stays in place');
  await page.getByRole('button', { name: 'Jump to newest' }).click();
  await page.getByText('Number 119', { exact: true }).waitFor();
  assert.equal(await page.getByRole('button', { name: 'Jump to newest' }).count(), 0);
  await page.context().close();
});

browserTest('a reader who scrolls up is left alone while the answer grows', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const { promise, resolve } = Promise.withResolvers<void>();
  const lines = Array.from({ length: 80 }, (_, index) => `Line ${index}\n\n`);
  system.scripts.set('Grow', (step) =>
    step === 0
      ? { text: lines, toolCalls: [{ name: 'get_db_schema', arguments: {} }], holdEnd: promise }
      : { text: ['The end.'] },
  );
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Grow now');
  await page.getByText('Line 79').waitFor();
  await untilAtEnd(page);
  await page.getByRole('group', { name: 'Messages' }).hover();
  await page.mouse.wheel(0, -600);
  await page.getByRole('button', { name: 'Jump to newest' }).waitFor();
  const before = await untilStill(page);
  resolve();
  await untilStatus(page, 'Answer complete');
  assert.equal(await scrollTop(page), before);
  await page.getByRole('button', { name: 'Jump to newest' }).click();
  await untilAtEnd(page);
  await page.context().close();
});

const LIST = `document.querySelector('[aria-label="Messages"]')`;

function scrollTop(page: Page): Promise<number> {
  return page.evaluate<number>(`${LIST}.scrollTop`);
}

function scrollTo(page: Page, top: number): Promise<void> {
  return page.evaluate<void>(`void (${LIST}.scrollTop = ${top})`);
}

/** Until what was asked for is drawn. */
function nextFrames(page: Page): Promise<void> {
  return page.evaluate<void>(
    'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))',
  );
}

/** Until the list shows its end. */
async function untilAtEnd(page: Page): Promise<void> {
  await page.waitForFunction(`${LIST}.scrollHeight - ${LIST}.clientHeight - ${LIST}.scrollTop < 40`);
}

/** Until a wheel has run out; gives where the list stands then. */
async function untilStill(page: Page): Promise<number> {
  for (let before = NaN; ; ) {
    const now = await scrollTop(page);
    if (now === before) return now;
    before = now;
    await nextFrames(page);
  }
}
