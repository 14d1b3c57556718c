/** Text that means harm, in every place of the conversation that shows text: harmless, and readable. */
import assert from 'node:assert/strict';
import type { Page } from 'playwright-core';
import { describeInBrowser, findBarriers } from '../support/browser.ts';
import { makeFlow } from '../support/page-flow.ts';
import { say, untilStatus } from '../support/page-talk.ts';

const { browserTest } = describeInBrowser();

const PIECES = [
  '<script>window.harmed = 1</script>',
  '<img src="https://evil.example/pixel" onerror="window.harmed = 2">',
  '![pixel](https://evil.example/pixel.png)',
  '[click me](javascript:window.harmed=3)',
  '[docs](https://evil.example/?data=secret)',
  '\u001b[31mred\u001b[0m',
  'ab\u202Etxt.exe\u202C',
];
const HOSTILE = PIECES.join(' ');
const SPELLED_OUT = /\[U\+001B\]\[31mred.*ab\[U\+202E\]txt\.exe\[U\+202C\]/s;

/** JSON itself spells out the control characters. */
const SPELLED_OUT_IN_JSON = /\\u001b\[31mred.*ab\[U\+202E\]txt\.exe\[U\+202C\]/s;

/** Asks for anything from elsewhere are told. */
async function watchRequests(page: Page, ownUrl: string): Promise<string[]> {
  const foreign: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(ownUrl)) foreign.push(request.url());
  });
  return foreign;
}

browserTest('in messages, answers, calls, results, questions, reasons, titles', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  const big = `${HOSTILE} ${'x'.repeat(1_000_000)}`;
  system.scripts.set('Harm', (step) => {
    if (step === 0)
      return {
        text: [`${PIECES.join('\n\n')}\n\n`, '```html\n<b>code</b>\n```\n'],
        toolCalls: [
          { name: 'execute_public_sql', arguments: { sql: `select '${big.replaceAll("'", "''")}' as t` } },
        ],
      };
    if (step === 1)
      return {
        text: ['Now a question.'],
        toolCalls: [
          {
            name: 'manage_project_asset',
            arguments: {
              action: 'create',
              kind: 'agent',
              data: { name: 'Harm', model: 'gpt-5.2', system_prompt: HOSTILE },
            },
          },
        ],
      };
    return { text: ['Done.'] };
  });
  const { page, takeProblems } = await open({ path: `/?workflow=${workflowId}` });
  const foreign = await watchRequests(page, system.url);
  await say(page, `Harm ${HOSTILE}`);
  const card = page.getByRole('region', { name: 'Confirmation' });
  await card.getByText('Create the agent').waitFor();
  assert.match((await card.textContent()) ?? '', SPELLED_OUT, 'the question');
  assert.match((await page.locator('.message-user').textContent()) ?? '', SPELLED_OUT, 'the message');
  const answer = page.locator('.message-answer .markdown');
  const said = (await answer.textContent()) ?? '';
  assert.match(said, SPELLED_OUT, 'the answer');
  assert.match(said, /<script>window\.harmed = 1<\/script>/);
  assert.match(said, /not loaded: https:\/\/evil\.example\/pixel\.png/);
  assert.match(said, /click me \(javascript:/);
  assert.equal(
    await answer.locator('a, img, script, b').count(),
    0,
    'nothing of it is markup or can be opened',
  );

  await page.getByRole('button', { name: 'Give a reason' }).click();
  await page.keyboard.insertText(HOSTILE);
  await page.getByRole('button', { name: 'Reject', exact: true }).click();
  await card.getByText('Rejected by you').waitFor();
  await untilStatus(page, 'Answer complete');

  const [first] = await page.locator('.call > details > summary').all();
  assert.ok(first);
  await first.click();
  await page.getByText('characters are not shown').first().waitFor();
  assert.match((await page.locator('.call-body').first().textContent()) ?? '', SPELLED_OUT_IN_JSON, 'a call');
  await page.getByRole('button', { name: 'Events' }).click();
  await page.getByRole('region', { name: 'Events' }).getByText('tool_call').first().click();
  assert.deepEqual(await findBarriers(page), []);

  // As stored, and in the list.
  await page.reload();
  await page.locator('.message-answer').getByText('Done.').waitFor();
  await page.getByRole('button', { name: /^Conversations/ }).click();
  await page.locator('.session-list').getByText('<script>window.harmed = 1</script>').waitFor();
  assert.equal(await page.evaluate<unknown>('window.harmed'), undefined);
  assert.deepEqual(foreign, [], 'nothing was asked from elsewhere');
  assert.deepEqual(takeProblems(), []);
  await page.context().close();
});

browserTest('in an error of the model, and in the name of a tool', async ({ open, system }) => {
  const { workflowId } = await makeFlow(system);
  system.scripts.set('Broken', (step) =>
    step === 0
      ? { text: [''], toolCalls: [{ name: 'modify_workflow', arguments: HOSTILE }] }
      : { error: { status: 401, body: { error: { message: HOSTILE, code: 'invalid_api_key' } } } },
  );
  const { page } = await open({ path: `/?workflow=${workflowId}` });
  await say(page, 'Broken model');
  await untilStatus(page, 'The turn failed');
  assert.equal(await page.evaluate<unknown>('window.harmed'), undefined);
  assert.deepEqual(await findBarriers(page), []);
  await page.context().close();
});
