/**
 * Whole turns through HTTP, with a real API, worker, Temporal and Postgres, and a fake provider. One file, because the tests
 * share one running system.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Client } from '@temporalio/client';
import { turnWorkflowId } from '../../../contracts/turn-workflow-id.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

let system: TurnSystem;
// The tests' names for what they use most.
let { scripts, call, newSession, chat, fake, connection } = {} as TurnSystem;

before(async () => {
  system = await startTurnSystem();
  ({ scripts, call, newSession, chat, fake, connection } = system);
});
after(() => system.close());

const canvas = {
  nodes: [
    { id: 'Start', type: 'starter', name: 'Start', position: { x: 0, y: 0 }, config: { input: {} } },
    {
      id: 'Work',
      type: 'code',
      name: 'Work',
      position: { x: 0, y: 200 },
      config: { code: 'output = 1', language: 'python' },
    },
  ],
  edges: [{ source: 'Start', target: 'Work' }],
};

test('a turn streams its start, its thoughts, its tools and one complete, and is stored as it was seen', async () => {
  scripts.set('Build', (step) =>
    step === 0
      ? {
          text: ['Let me ', 'look.'],
          toolCalls: [
            { name: 'get_block_info', arguments: { block_types: ['response'] } },
            {
              name: 'modify_workflow',
              arguments: {
                add_blocks: [
                  { id: 'r', type: 'response', name: 'Reply', config: { output: '<Work.output>' } },
                ],
                add_edges: [{ source: 'Work', target: 'r' }],
              },
            },
          ],
        }
      : { text: ['Added ', 'Reply.'] },
  );
  const session = await newSession();
  const { events, end, turnId, response } = await chat(session, {
    message: 'Build a reply',
    workflow_state: canvas,
  });
  assert.equal(response.headers.get('cache-control'), 'no-cache');
  assert.equal(response.headers.get('x-accel-buffering'), 'no');
  assert.match(response.headers.get('content-type')!, /^text\/event-stream/);
  const [start] = events;
  assert.deepEqual([start!.event, start!.seq, start!.turn_id, start!.model], ['start', 1, turnId, 'gpt-5.2']);
  const shown = events
    .filter(({ event, seq }) => seq !== undefined && event !== 'content_delta')
    .map(({ event, message, tool, name }) => [event, message ?? name, tool].filter(Boolean).join(' '));
  assert.deepEqual(shown.slice(1), [
    'status Thinking...',
    'status Looking up block details... get_block_info',
    'tool_call get_block_info',
    'tool_result get_block_info',
    'status Analyzing result... get_block_info',
    'status Modifying workflow... modify_workflow',
    'tool_call modify_workflow',
    'tool_result modify_workflow',
    'status Analyzing result... modify_workflow',
    'status Thinking...',
    'complete',
  ]);
  const deltas = events.filter(({ event }) => event === 'content_delta').map(({ delta }) => delta);
  assert.equal(deltas.join(''), 'Let me look.\n\nAdded Reply.');
  assert.ok(deltas.includes('\n\n'), 'the line breaks between two steps are a delta of their own');
  const diff = end.workflow_diff as { add_blocks: { id: string; name: string }[]; add_edges: object[] };
  assert.equal(end.content, 'Let me look.\n\nAdded Reply.');
  assert.deepEqual(
    [end.stop_reason, diff.add_blocks.length, diff.add_edges],
    ['done', 1, [{ source: 'Work', target: diff.add_blocks[0]!.id }]],
  );
  assert.deepEqual(end.usage, {
    calls: 2,
    input_tokens: 200,
    cached_tokens: 0,
    output_tokens: 40,
    reasoning_tokens: 0,
    cost_usd: '0.00091',
  });

  const { body } = await call('GET', `/api/copilot/sessions/${session.id}/messages`);
  const [user, assistant] = body.messages as Record<string, unknown>[];
  assert.deepEqual([user!.id, user!.role, user!.content], [start!.user_message_id, 'user', 'Build a reply']);
  assert.deepEqual(
    [assistant!.id, assistant!.content, assistant!.workflow_diff, assistant!.usage],
    [end.message_id, end.content, end.workflow_diff, end.usage],
  );
  assert.equal((assistant!.tool_calls as unknown[]).length, 2);
  const turn = (await call('GET', `/api/copilot/sessions/${session.id}/turns/${turnId}`)).body;
  assert.deepEqual(
    [
      turn.id,
      turn.status,
      turn.step,
      turn.model,
      turn.stop_reason,
      turn.pending_confirmation,
      turn.workflow_diff,
    ],
    [turnId, 'complete', 2, 'gpt-5.2', 'done', null, end.workflow_diff],
  );
});

test('the next turn of a session sees what was said and done before', async () => {
  const session = await newSession();
  await chat(session, { message: 'Build it', workflow_state: canvas });
  await chat(session, { message: 'And now?' });
  const request = fake.requests.findLast(({ message }) => message === 'And now?')!;
  const input = JSON.stringify(request.body.input);
  assert.ok(input.includes('Build it') && input.includes('Added Reply.') && input.includes('+1 block'));
  assert.ok(!String(request.body.instructions).includes('Build it'));
});

test('wrong tools, wrong arguments and refused edits are results that the model can act on, never a failed turn', async () => {
  scripts.set('Wrong', (step) =>
    step === 0
      ? {
          toolCalls: [
            { name: 'no_such_tool', arguments: {} },
            { name: 'get_block_info', arguments: 'not json' },
            { name: 'get_block_info', arguments: { block_types: 'agent' } },
            {
              name: 'modify_workflow',
              arguments: { add_blocks: [{ type: 'magic', name: 'X', config: {} }] },
            },
            { name: 'modify_workflow', arguments: {} },
          ],
        }
      : { text: ['Sorry.'] },
  );
  const { events, end } = await chat(await newSession(), { message: 'Wrong', workflow_state: canvas });
  const results = events.filter(({ event }) => event === 'tool_result');
  assert.deepEqual(
    results.map(({ is_error: isError }) => isError),
    [true, true, true, true, true],
  );
  assert.deepEqual([end.event, end.content, end.workflow_diff], ['complete', 'Sorry.', null]);
  const calls = events.filter(({ event }) => event === 'tool_call');
  assert.ok(
    calls.some((call) => call.arguments === 'not json'),
    'arguments that are no JSON object are shown as they are',
  );
});

test('rule 30: the same failing edit twice gets a note, three times ends the turn as a loop', async () => {
  const toolCalls = [{ name: 'modify_workflow', arguments: { remove_blocks: ['Nobody'] } }];
  scripts.set('Stubborn', () => ({ toolCalls }));
  const { events, end } = await chat(await newSession(), { message: 'Stubborn', workflow_state: canvas });
  const notes = events
    .filter(({ event }) => event === 'tool_result')
    .map(({ result }) => (JSON.parse(String(result)) as { note?: string }).note !== undefined);
  assert.deepEqual([notes, end.stop_reason], [[false, true, true], 'loop']);
});

test('a call id that the model uses again in the next step is no trouble', async () => {
  scripts.set('Again', (step) =>
    step < 2
      ? {
          toolCalls: [
            {
              id: 'call_0',
              name: 'get_block_info',
              arguments: { block_types: [step === 0 ? 'agent' : 'code'] },
            },
          ],
        }
      : { text: ['Done.'] },
  );
  const { events, end } = await chat(await newSession(), { message: 'Again' });
  assert.equal(end.event, 'complete');
  assert.equal(
    new Set(events.filter(({ event }) => event === 'tool_result').map(({ call_id: id }) => id)).size,
    2,
  );
});

test('cancelling ends the turn with what was said and done so far; a repeat is fine', async () => {
  scripts.set('Long', (step) =>
    step === 0
      ? {
          text: ['First. '],
          toolCalls: [
            {
              name: 'modify_workflow',
              arguments: { update_blocks: [{ id: 'Work', config: { code: 'output = 2' } }] },
            },
          ],
        }
      : { text: Array.from({ length: 200 }, (_, n) => `w${n} `), pieceMs: 50 },
  );
  const session = await newSession();
  const cancel = (turnId: string) =>
    call('POST', `/api/copilot/sessions/${session.id}/turns/${turnId}/cancel`);
  let asked = false;
  const { events, end, turnId } = await chat(
    session,
    { message: 'Long one', workflow_state: canvas },
    async (event, id) => {
      if (asked || event.event !== 'content_delta' || event.step !== 2) return;
      asked = true;
      assert.deepEqual(await cancel(id), { status: 202, body: { ok: true } });
    },
  );
  assert.deepEqual([end.event, end.stop_reason], ['complete', 'cancelled']);
  assert.equal(
    end.content,
    events
      .filter(({ event }) => event === 'content_delta')
      .map(({ delta }) => delta)
      .join(''),
  );
  assert.deepEqual(end.workflow_diff, { update_blocks: [{ id: 'Work', config: { code: 'output = 2' } }] });
  assert.equal((await cancel(turnId)).status, 202);
  const { body } = await call('GET', `/api/copilot/sessions/${session.id}/messages`);
  assert.equal((body.messages as { status: string }[])[1]!.status, 'cancelled');
  const done = await chat(session, { message: 'Fine?' });
  assert.equal((await cancel(done.turnId)).status, 409);
  assert.equal((await cancel(randomUUID())).status, 404);
});

const quota = {
  error: { message: 'You exceeded sk-secret-123456', type: 'insufficient_quota', code: 'insufficient_quota' },
};
for (const [name, script, code, tries] of [
  ['an exhausted quota', { error: { status: 429, body: quota } }, 'model_quota', 1],
  [
    'a bad key',
    {
      error: {
        status: 401,
        body: { error: { message: 'Incorrect API key provided: sk-secret-123456', code: 'invalid_api_key' } },
      },
    },
    'model_auth',
    1,
  ],
  [
    'a conversation that is too long',
    { error: { status: 400, body: { error: { code: 'context_length_exceeded', message: 'x' } } } },
    'context_overflow',
    1,
  ],
] as const) {
  test(`${name} ends the turn at once with ${code}, keeps what was done, and shows nothing of the provider's text`, async () => {
    const word = `Fails-${code}`;
    scripts.set(word, (step) =>
      step === 0
        ? { text: ['Well, '], toolCalls: [{ name: 'get_block_info', arguments: { block_types: ['split'] } }] }
        : script,
    );
    const session = await newSession();
    const { events, end } = await chat(session, { message: word });
    assert.deepEqual([end.event, end.code], ['error', code]);
    assert.ok(!JSON.stringify(events).includes('sk-secret'));
    assert.equal(fake.requests.filter(({ message }) => message === word).length, 1 + tries);
    const { body } = await call('GET', `/api/copilot/sessions/${session.id}/messages`);
    const [, message] = body.messages as Record<string, unknown>[];
    assert.deepEqual([message!.id, message!.status, message!.content], [end.message_id, 'failed', 'Well, ']);
  });
}

test('a rate limit is waited for as long as the provider says, with a status that says so', async () => {
  const rate = { error: { message: 'slow down', type: 'requests', code: 'rate_limit_exceeded' } };
  scripts.set('Limited', (_, n) =>
    n === 1 ? { error: { status: 429, body: rate, headers: { 'retry-after': '4' } } } : { text: ['Here.'] },
  );
  const startedAt = Date.now();
  const { events, end } = await chat(await newSession(), { message: 'Limited' });
  assert.deepEqual([end.event, end.content], ['complete', 'Here.']);
  assert.ok(Date.now() - startedAt >= 3_900);
  const live = events
    .filter(({ event, seq }) => event === 'status' && seq === undefined)
    .map(({ message }) => String(message));
  assert.ok(
    live.some((message) => /rate limited \(retry 1 in [1-4] s\)/.test(message)),
    JSON.stringify(live),
  );
});

test('a conversation that the provider finds too long is shortened and asked again, once', async () => {
  const info = {
    name: 'get_block_info',
    arguments: { block_types: ['agent', 'starter', 'general_api', 'code'] },
  };
  const tooLong = {
    error: { status: 400, body: { error: { code: 'context_length_exceeded', message: 'x' } } },
  };
  scripts.set('Lengthy', (step, n) => {
    if (step === 0) return { toolCalls: [info] };
    if (step === 1) return { toolCalls: [{ ...info, arguments: { block_types: ['split', 'response'] } }] };
    return n === 3 ? tooLong : { text: ['Found room.'] };
  });
  const { end } = await chat(await newSession(), { message: 'Lengthy' });
  assert.deepEqual([end.event, end.content], ['complete', 'Found room.']);
  const sent = fake.requests
    .filter(({ message }) => message === 'Lengthy')
    .map(({ body }) => JSON.stringify(body.input));
  assert.equal(sent.length, 4);
  assert.ok(sent[3]!.length < sent[2]!.length);
  assert.match(sent[3]!, /characters left out/);
});

test('a stream that is cut in the middle is asked for again: one answer, its first text taken back', async () => {
  scripts.set('Cut', (_, n) => ({
    text: ['One ', 'two ', 'three.'],
    pieceMs: 20,
    ...(n === 1 ? { cutAfter: 2 } : {}),
  }));
  const { events, end } = await chat(await newSession(), { message: 'Cut' });
  assert.deepEqual([end.event, end.content], ['complete', 'One two three.']);
  assert.equal(events.filter(({ event }) => event === 'content_reset').length, 1);
});

test('deleting a session in the middle of its turn ends both', async () => {
  const session = await newSession();
  const { end } = await chat(session, { message: 'Long one' }, async (event) => {
    if (event.event === 'content_delta' && event.step === 1 && event.seq! < 5) {
      assert.equal((await call('DELETE', `/api/copilot/sessions/${session.id}`)).status, 204);
    }
  });
  assert.ok(end.event === 'complete' || end.code === 'workflow_gone');
  assert.equal((await call('GET', `/api/copilot/sessions/${session.id}/messages`)).status, 404);
});

test('a turn that an operator terminates ends as failed, and the session goes on', async () => {
  const session = await newSession();
  const client = new Client({ connection });
  const { end } = await chat(session, { message: 'Long one', workflow_state: canvas }, async (event) => {
    if (event.event === 'tool_result')
      await client.workflow.getHandle(turnWorkflowId(session.id)).terminate('by a test');
  });
  assert.deepEqual([end.event, end.code], ['error', 'internal']);
  assert.equal((await chat(session, { message: 'Fine?' })).end.event, 'complete');
});

test('a model without its key is a 503 that starts and keeps nothing', async () => {
  const session = await newSession();
  await call('PUT', '/api/copilot/settings/model', { model: 'claude-opus-4-6' });
  const answer = await call('POST', `/api/copilot/sessions/${session.id}/chat`, { message: 'hi' });
  assert.equal(answer.status, 503);
  assert.match(String(answer.body.error), /claude-opus-4-6/);
  await call('PUT', '/api/copilot/settings/model', { model: 'gpt-5.2' });
  const { rows } = await system.db.raw<{ rows: unknown[] }>(
    'select 1 from ai.copilot_turns where session_id = ?',
    [session.id],
  );
  assert.deepEqual(rows, []);
});
