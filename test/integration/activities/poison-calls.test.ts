/** Calls that always fail end as something true, soon, and the turns beside them don't notice. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';
import { nested, poisonTools, runs } from '../../support/poison-tools.ts';

let system: TurnSystem;

before(async () => {
  system = await startTurnSystem({}, undefined, () => ({ moreTools: poisonTools }));
});
after(() => system.close());

/** A turn whose first step makes the call, and whose second one answers. */
async function callOnce(name: string, args: unknown = {}) {
  const word = `Call-${name}-${Math.random()}`;
  system.scripts.set(word, (step) =>
    step === 0 ? { toolCalls: [{ name, arguments: args }] } : { text: ['It did not work.'] },
  );
  const session = await system.newSession();
  const stream = await system.chat(session, { message: word });
  const [result] = stream.events.filter(({ event }) => event === 'tool_result');
  return { ...stream, session, result: result! };
}

async function assertGoesOn(session: { id: string }) {
  const { status, body } = await system.call('GET', `/api/copilot/sessions/${session.id}/messages`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal((await system.chat(session, { message: 'And now?' })).end.event, 'complete');
}

for (const [name, tries] of [
  ['always_throws', 3],
  ['throws_at_once', 3],
  ['gives_a_big_int', 3],
  ['gives_too_deep', 3],
  ['gives_too_much', 3],
] as const) {
  test(`a tool that fails every time (${name}) is a failed result after ${tries} tries`, async () => {
    const { end, result, session } = await callOnce(name);
    assert.deepEqual([end.event, end.content], ['complete', 'It did not work.']);
    assert.equal(result.is_error, true);
    const { code, error } = JSON.parse(String(result.result)) as { code: string; error: string };
    assert.equal(code, 'failed');
    assert.match(error, new RegExp(`^${name} failed 3 times`));
    assert.equal(runs.get(name), tries);
    await assertGoesOn(session);
  });
}

test('a tool that never returns is a timeout after 15 s; a turn of the same worker ends meanwhile', async () => {
  const startedAt = Date.now();
  const stuck = callOnce('never_returns');
  for (let n = 0; n < 3; n++) {
    const other = await system.chat(await system.newSession(), { message: 'Fine?' });
    assert.equal(other.end.event, 'complete');
  }
  const { end, result } = await stuck;
  assert.equal(end.event, 'complete');
  assert.equal((JSON.parse(String(result.result)) as { code: string }).code, 'timeout');
  assert.equal(runs.get('never_returns'), 1);
  assert.ok(Date.now() - startedAt < 40_000);
});

test('arguments that nest too deep are refused by name, and every later read works', async () => {
  const deep = (levels: number) => `{"sql":${'['.repeat(levels)}${']'.repeat(levels)}}`;
  const config = JSON.stringify({ id: 'Start', config: { x: 0 } }).replace(
    '0',
    JSON.stringify(nested(3_000)),
  );
  for (const [name, args] of [
    ['execute_public_sql', deep(20_000)],
    ['execute_public_sql', deep(64)],
    ['modify_workflow', `{"update_blocks":[${config}]}`],
    ['manage_project_asset', `{"action":"create","kind":"agent","data":${deep(5_000)}}`],
    ['no_such_tool', deep(20_000)],
  ] as const) {
    const { end, events, result, session } = await callOnce(name, args);
    assert.equal(end.event, 'complete', name);
    assert.equal(result.is_error, true, name);
    assert.match(String(result.result), /nest deeper than 64 levels/, name);
    const call = events.find(({ event }) => event === 'tool_call')!;
    assert.equal(typeof call.arguments, 'string');
    await assertGoesOn(session);
  }
});

test('arguments that are too long, or hold a number that JSON has not, are refused by name', async () => {
  const long = await callOnce('execute_public_sql', `{"sql":"${'x'.repeat(70_000)}"}`);
  assert.match(String(long.result.result), /more than 65536 characters/);
  const infinite = await callOnce('modify_workflow', '{"add_blocks":[{"position":{"x":1e999,"y":0}}]}');
  assert.match(String(infinite.result.result), /number that is too large/);
  await assertGoesOn(infinite.session);
});

test('a model call that is tried again takes back reasoning that was shown, also without any text', async () => {
  const thought = (delta: string) =>
    `event: response.reasoning_summary_text.delta\ndata: ${JSON.stringify({ type: 'response.reasoning_summary_text.delta', item_id: 'rs_1', output_index: 0, summary_index: 0, delta, sequence_number: 1 })}\n\n`;
  system.scripts.set('Think', (_, n) => (n === 1 ? { raw: thought('Let me think. ') } : { text: ['Here.'] }));
  const { events, end } = await system.chat(await system.newSession(), { message: 'Think' });
  assert.deepEqual([end.event, end.content], ['complete', 'Here.']);
  assert.deepEqual(
    events
      .filter(({ event }) => ['reasoning_delta', 'content_reset', 'content_delta'].includes(event))
      .map(({ event, step, content, delta }) => [event, step, content ?? delta]),
    [
      ['reasoning_delta', 1, 'Let me think. '],
      ['content_reset', 1, ''],
      ['content_delta', 1, 'Here.'],
    ],
  );
});

test('an answer with calls by the thousand ends by the budget of calls, and is not asked for again', async () => {
  system.scripts.set('Storm', (step) =>
    step === 0
      ? { toolCalls: Array.from({ length: 20_000 }, () => ({ name: 'get_block_info', arguments: {} })) }
      : { text: ['Enough.'] },
  );
  const session = await system.newSession();
  const { end, events } = await system.chat(session, { message: 'Storm' });
  assert.equal(events.filter(({ event }) => event === 'content_reset').length, 0);
  assert.deepEqual([end.event, end.stop_reason], ['complete', 'budget']);
  await assertGoesOn(session);
});
