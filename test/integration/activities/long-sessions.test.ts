/** Sessions that outgrow their model's window, and models that fail: what is summarized, what stays, who goes on. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { FakeRequest, Script } from '../../support/fake-provider.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

let system: TurnSystem;

before(async () => {
  system = await startTurnSystem({
    COPILOT_MODELS: JSON.stringify([
      { id: 'small', context_tokens: 40_000, price: { input: '1', output: '2', as_of: '2026-11-24' } },
    ]),
    COPILOT_FALLBACK_MODEL: 'gpt-4o',
  });
});
after(() => system.close());

const choose = async (model: string) =>
  assert.equal((await system.call('PUT', '/api/copilot/settings/model', { model })).status, 200);
beforeEach(() => choose('small'));

const LONG = 'word '.repeat(6_000);
const SUMMARY = 'They want three flows; two are done.';
const OVERFLOW: Script = {
  error: {
    status: 400,
    body: { error: { code: 'context_length_exceeded', message: 'too long', type: 'x' } },
  },
};
/** What the user side of a request says, oldest first. */
const said = ({ body }: FakeRequest): string[] =>
  (body.input as { role?: string; content?: string }[]).flatMap(({ role, content }) =>
    role === 'user' ? [String(content)] : [],
  );
const requestsFrom = (n: number): FakeRequest[] => system.fake.requests.slice(n);

test('beyond 70 % of the window the history is summarized by the model, once; first and last messages stay', async () => {
  const { chat, call, newSession, scripts, fake, db } = system;
  const session = await newSession();
  scripts.set('Summarize', () => ({ text: [SUMMARY] }));
  await chat(session, { message: `One ${LONG}` });
  await chat(session, { message: `Two ${LONG}` });
  assert.ok(fake.requests.every((request) => !said(request).some((text) => text.startsWith('Summarize'))));
  const sofar = fake.requests.length;
  const third = await chat(session, { message: `Three ${LONG}` });
  const [summary, answer, ...more] = requestsFrom(sofar);
  assert.equal(more.length, 0);
  // The request for the summary begins as the turn's own requests do, for the provider's cache.
  assert.equal(summary!.body.tool_choice, 'none');
  assert.deepEqual(summary!.body.tools, answer!.body.tools);
  assert.match(said(summary!).at(-1)!, /^Summarize the conversation so far/);
  const [first, replaced, canvas, last] = said(answer!);
  assert.equal(first, `One ${LONG}`);
  assert.match(replaced!, /<data-\w+ from="summary">\nThey want three flows; two are done\.\n/);
  assert.match(canvas!, /from="workflow_state"/);
  assert.equal(last, `Three ${LONG}`);
  assert.ok(!JSON.stringify(answer!.body.input).includes('Two word'));
  assert.deepEqual(
    third.events.flatMap(({ event, message }) => (event === 'status' ? [message] : [])),
    ['Thinking...', 'Summarizing the conversation so far...', 'Thinking...'],
  );
  assert.ok(!JSON.stringify(third.events).includes(SUMMARY), 'it is no answer to the user');
  // Both calls are on the bill.
  assert.deepEqual(third.end.usage, {
    calls: 2,
    input_tokens: 200,
    cached_tokens: 0,
    output_tokens: 40,
    reasoning_tokens: 0,
    cost_usd: '0.00028',
  });
  const { rows } = await db.raw<{ rows: { step: number; body: string }[] }>(
    `select step, body from ai.copilot_transcript where turn_id = ? and role = 'summary'`,
    [third.turnId],
  );
  assert.deepEqual(rows, [{ step: 0, body: JSON.stringify({ content: SUMMARY }) }]);
  const messages = (await call('GET', `/api/copilot/sessions/${session.id}/messages`)).body.messages;
  assert.equal((messages as object[]).length, 6);

  // The next turn goes on from the summary, and its request begins with the bytes of the one before.
  const before = fake.requests.length;
  await chat(session, { message: 'Four' });
  const [next, ...others] = requestsFrom(before);
  assert.equal(others.length, 0);
  assert.deepEqual(said(next!).slice(0, 3), [first, replaced, last]);
  assert.equal(said(next!).at(-1), 'Four');
});

test('a summary is made once, whoever dies after it', async () => {
  const { chat, newSession, scripts, fake } = system;
  const session = await newSession();
  scripts.set('Summarize', () => ({ text: [SUMMARY] }));
  await chat(session, { message: `Five ${LONG}` });
  await chat(session, { message: `Six ${LONG}` });
  const before = fake.requests.length;
  scripts.set('Seven', (_, n) => (n === 1 ? { firstByteMs: 30_000 } : { text: ['Done.'] }));
  let moved: Promise<void> | null = null;
  const { end } = await chat(session, { message: `Seven ${LONG}` }, async ({ event, message }) => {
    if (moved || event !== 'status' || message !== 'Summarizing the conversation so far...') return;
    moved = (async () => {
      while (!fake.requests.slice(before).some(({ message: text }) => text.startsWith('Seven')))
        await delay(20);
      await system.stopWorker();
      await system.startWorker();
    })();
  });
  await Promise.resolve(moved);
  assert.equal(end.content, 'Done.');
  assert.equal(requestsFrom(before).filter(({ message }) => message.startsWith('Summarize')).length, 1);
  assert.equal((end.usage as { calls: number }).calls, 2);
});

test('a summary that can not be had costs history, not the turn', async () => {
  const { chat, newSession, scripts, fake } = system;
  const session = await newSession();
  await chat(session, { message: `Eight ${LONG}` });
  await chat(session, { message: `Nine ${LONG}` });
  scripts.set('Summarize', () => ({ error: { status: 401, body: { error: { code: 'invalid_api_key' } } } }));
  const { end } = await chat(session, { message: `Ten ${LONG}` });
  assert.equal(end.stop_reason, 'done');
  const texts = said(fake.requests.at(-1)!).join(' ');
  assert.ok(texts.includes('Eight word') && !texts.includes('Nine word') && texts.includes('Ten word'));
});

test('a provider that finds a conversation too long is asked once more with a summary, and not a third time', async () => {
  const { chat, newSession, scripts, fake } = system;
  await choose('gpt-5.2');
  const session = await newSession();
  scripts.set('Summarize', () => ({ text: [SUMMARY] }));
  await chat(session, { message: 'Begin' });
  await chat(session, { message: 'Middle' });
  scripts.set('Over', (_, n) => (n === 1 ? OVERFLOW : { text: ['Now it fits.'] }));
  const before = fake.requests.length;
  const { end } = await chat(session, { message: 'Over' });
  assert.equal(end.content, 'Now it fits.');
  assert.deepEqual(
    requestsFrom(before).map(({ message }) => message.split(' ')[0]),
    ['Over', 'Summarize', 'Over'],
  );
  assert.deepEqual(said(fake.requests.at(-1)!)[0], 'Begin');
  assert.ok(!said(fake.requests.at(-1)!).includes('Middle'));
  scripts.set('Always', () => OVERFLOW);
  const again = await chat(session, { message: 'Always' });
  assert.deepEqual([again.end.event, again.end.code], ['error', 'context_overflow']);
  assert.equal(fake.requests.filter(({ message }) => message === 'Always').length, 2);
});

test('a model that fails for good gives way to the fallback, which is announced and stays to the end', async () => {
  const { chat, call, newSession, scripts, fake } = system;
  await choose('gpt-5.2');
  scripts.set('Fall', (step, _, { body }) => {
    if (body.model === 'gpt-5.2')
      return {
        text: [],
        error: { status: 429, body: { error: { code: 'insufficient_quota', type: 'insufficient_quota' } } },
      };
    return step === 0
      ? { toolCalls: [{ name: 'get_block_info', arguments: { block_types: ['code'] } }] }
      : { text: ['From the other one.'] };
  });
  const session = await newSession();
  const { events, end, turnId } = await chat(session, { message: 'Fall' });
  assert.deepEqual([end.event, end.content], ['complete', 'From the other one.']);
  assert.deepEqual(
    fake.requests.filter(({ message }) => message === 'Fall').map(({ body }) => body.model),
    ['gpt-5.2', 'gpt-4o', 'gpt-4o'],
  );
  const announced = events.filter(({ message }) => message === 'GPT-5.2 is not available; GPT-4o goes on.');
  assert.equal(announced.length, 1);
  assert.ok(announced[0]!.seq !== undefined, 'whoever reads later sees it too');
  assert.equal(
    (await call('GET', `/api/copilot/sessions/${session.id}/turns/${turnId}`)).body.model,
    'gpt-4o',
  );
  // The next turn begins with the chosen one again.
  scripts.delete('Fall');
  assert.equal((await chat(session, { message: 'Well' })).events[0]!.model, 'gpt-5.2');
});

test('a fallback that fails too ends the turn with its own error; a refusal is no reason to fall back', async () => {
  const { chat, newSession, scripts, fake } = system;
  await choose('gpt-5.2');
  const failing = (name: string, error: { code: string; type?: string }, status: number) =>
    scripts.set(name, () => ({ error: { status, body: { error } } }));
  failing('Both', { code: 'invalid_api_key' }, 401);
  const both = await chat(await newSession(), { message: 'Both' });
  assert.deepEqual([both.end.event, both.end.code], ['error', 'model_auth']);
  assert.equal(fake.requests.filter(({ message }) => message === 'Both').length, 2);
  failing('Refused', { code: 'content_policy_violation' }, 400);
  const refused = await chat(await newSession(), { message: 'Refused' });
  assert.equal(refused.end.code, 'model_refused');
  assert.equal(fake.requests.filter(({ message }) => message === 'Refused').length, 1);
});
