/**
 * manage_project_asset: the question, the effect of each decision, and the answers to reader and model. One file, because
 * the tests share one running system.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import {
  type FinishedStream,
  type StreamedEvent,
  startTurnSystem,
  type TurnSystem,
} from '../../support/turn-system.ts';

const UUID = /^[0-9a-f-]{36}$/;
let system: TurnSystem;
let { scripts, call, newSession, chat } = {} as TurnSystem;
/** Asset names are unique in a project, which all tests share. */
let n = 0;
let name: string;

before(async () => {
  system = await startTurnSystem({ COPILOT_CONFIRMATION_TTL: '30 seconds' });
  ({ scripts, call, newSession, chat } = system);
});
after(() => system.close());
beforeEach(() => (name = `Support ${++n}`));

const rows = async <T>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await system.db.raw<{ rows: T[] }>(sql, values as never)).rows;
const agents = (like: string) =>
  rows<{ id: string; name: string; model: string; system_prompt: string; settings: object }>(
    'select * from ai.agents where name = ?',
    [like],
  );
const addAgent = async (as: string, settings: object = {}): Promise<string> => {
  const [row] = await rows<{ id: string }>(
    'insert into ai.agents (name, model, system_prompt, settings) values (?, ?, ?, ?) returning id',
    [as, 'gpt-4.1', 'Be kind.', JSON.stringify(settings)],
  );
  return row!.id;
};

/** The model asks for these calls in its first step, and answers with the next. */
function script(...calls: object[]): string {
  const word = `Ask${n}-${scripts.size}`;
  scripts.set(word, (step) =>
    step === 0
      ? { toolCalls: calls.map((args) => ({ name: 'manage_project_asset', arguments: args })) }
      : { text: ['That is that.'] },
  );
  return word;
}

const decide = (session: { id: string }, turnId: string, callId: unknown, body: unknown) =>
  call('POST', `/api/copilot/sessions/${session.id}/turns/${turnId}/confirmations/${String(callId)}`, body);

/** Runs a turn in which each question is answered by `answer`. */
async function run(
  calls: object[],
  answer: (
    event: StreamedEvent,
    turnId: string,
    session: { id: string; workflowId: string },
  ) => Promise<unknown>,
  session?: { id: string; workflowId: string },
): Promise<
  FinishedStream & { results: Record<string, unknown>[]; session: { id: string; workflowId: string } }
> {
  const own = session ?? (await newSession());
  const stream = await chat(own, { message: `${script(...calls)} please` }, async (event, turnId) => {
    if (event.event === 'confirmation_required') await answer(event, turnId, own);
  });
  const results = stream.events
    .filter(({ event }) => event === 'tool_result')
    .map(({ result, is_error }) => ({ ...(JSON.parse(String(result)) as object), is_error }));
  return { ...stream, results, session: own };
}
const approve = async (event: StreamedEvent, turnId: string, session: { id: string }) => {
  const answer = await decide(session, turnId, event.call_id, { approved: true });
  assert.deepEqual(answer, { status: 200, body: { ok: true, decision: 'approved' } });
};
const fail = () => Promise.reject(new Error('nothing was to be asked'));
const create = (data: object = {}) => ({
  action: 'create',
  kind: 'agent',
  data: { name, model: 'gpt-4.1', system_prompt: 'You help.', ...data },
});

test('an approved creation happens once, and is told in the stream and to the model', async () => {
  const args = create({ settings: { temperature: 0.2 } });
  let open: unknown;
  const { events, results, names, turnId, session } = await run([args], async (event, turn, own) => {
    assert.deepEqual(await agents(name), [], 'nothing happens before the decision');
    const { body } = await call('GET', `/api/copilot/sessions/${own.id}/turns/${turn}`);
    open = body.pending_confirmation;
    await approve(event, turn, own);
  });
  const { event: _, seq: __, ...question } = events.find(({ event }) => event === 'confirmation_required')!;
  assert.deepEqual(open, question, 'whoever asks for the turn is shown the open question');
  assert.deepEqual(
    [question.arguments, question.name, question.before],
    [args, 'manage_project_asset', null],
  );
  assert.equal(question.summary, `Create the agent "${name}".`);
  const { id, ...content } = question.after as Record<string, unknown>;
  assert.match(String(id), UUID);
  assert.deepEqual(content, {
    name,
    model: 'gpt-4.1',
    system_prompt: 'You help.',
    settings: { temperature: 0.2 },
    knowledge_bases: [],
  });
  assert.ok(Math.abs(Date.parse(String(question.expires_at)) - Date.now() - 30_000) < 10_000);
  const asked = names.indexOf('confirmation_required');
  assert.deepEqual(
    names.slice(asked - 2, asked + 5).filter((event) => event !== 'content_delta'),
    [
      'status',
      'tool_call',
      'confirmation_required',
      'status',
      'confirmation_resolved',
      'tool_result',
      'status',
    ],
  );
  const { version, ...result } = results[0]!;
  assert.match(String(version), /^[0-9a-f]{12}$/);
  assert.deepEqual(result, { status: 'created', kind: 'agent', id, is_error: false });
  const stored = await agents(name);
  assert.deepEqual(
    stored.map((row) => [row.id, row.model, row.system_prompt, row.settings]),
    [[id, 'gpt-4.1', 'You help.', { temperature: 0.2 }]],
  );
  const after = await call('GET', `/api/copilot/sessions/${session.id}/turns/${turnId}`);
  assert.equal(after.body.pending_confirmation, null);
  // Decided stays decided, and says so after the end too.
  const callId = question.call_id;
  assert.equal((await decide(session, turnId, callId, { approved: true })).status, 200);
  assert.equal((await decide(session, turnId, callId, { approved: false })).status, 409);
  assert.equal((await decide(session, turnId, 'call_unknown', { approved: true })).status, 404);
  assert.equal((await decide(session, turnId, '%00', { approved: true })).status, 404);
  const replay = await fetch(`${system.url}/api/copilot/sessions/${session.id}/turns/${turnId}/events`, {
    headers: system.headers,
  });
  assert.match(await replay.text(), /"event":"confirmation_required"/);
});

test('a rejection changes nothing, and the model reads the reason', async () => {
  const { results, events } = await run([create()], async (event, turnId, session) => {
    for (const body of [{}, { approved: 'yes' }, { approved: true, reason: 7 }])
      assert.equal((await decide(session, turnId, event.call_id, body)).status, 400);
    const no = { approved: false, reason: 'Call it Helpdesk instead.' };
    const answer = await decide(session, turnId, event.call_id, no);
    assert.deepEqual(answer, { status: 200, body: { ok: true, decision: 'rejected' } });
  });
  assert.deepEqual(results, [
    {
      status: 'rejected',
      kind: 'agent',
      reason: 'Call it Helpdesk instead.',
      hint: 'The user declined this change. Do not ask for it again; unless the reason says what to do instead, ask the user.',
      is_error: false,
    },
  ]);
  const resolved = events.find(({ event }) => event === 'confirmation_resolved')!;
  assert.deepEqual([resolved.decision, resolved.reason], ['rejected', 'Call it Helpdesk instead.']);
  assert.deepEqual(await agents(name), []);
});

test('what can not be done is refused at once, without a question', async () => {
  const taken = await addAgent(name);
  const session = await newSession();
  const missing = '00000000-0000-4000-8000-00000000dead';
  const cases: [object, string][] = [
    [create({ name: name.toUpperCase() }), 'duplicate_name'],
    [create({ name: 'Other', model: 'gpt-4.l' }), 'unknown_model'],
    [create({ name: 'Other', knowledge_bases: [missing] }), 'unknown_knowledge_base'],
    [create({ name: 'Other', knowledge_bases: ['nope'] }), 'invalid_arguments'],
    [create({ name: '  ' }), 'invalid_arguments'],
    [create({ name: 'a\u202eb' }), 'invalid_arguments'],
    [create({ name: 'Other', settings: { temperature: 9 } }), 'invalid_arguments'],
    [create({ name: 'Other', settings: { key: 'sk-abcdefghijklmnopqrstuvwx' } }), 'invalid_arguments'],
    [create({ name: 'Other', wings: 2 }), 'invalid_arguments'],
    [{ action: 'create', kind: 'agent' }, 'invalid_arguments'],
    [{ ...create(), id: taken }, 'invalid_arguments'],
    [{ action: 'update', kind: 'agent', data: { name: 'X' } }, 'invalid_arguments'],
    [{ action: 'update', kind: 'agent', id: missing, data: { name: 'X' } }, 'not_found'],
    [{ action: 'update', kind: 'agent', id: taken, data: { system_prompt: 'Be kind.' } }, 'nothing_changed'],
    [{ action: 'delete', kind: 'agent', id: missing }, 'not_found'],
    [{ action: 'delete', kind: 'workflow', id: session.workflowId }, 'own_workflow'],
    [{ action: 'update', kind: 'workflow', id: session.workflowId, data: { name: 'N' } }, 'own_workflow'],
    [{ action: 'create', kind: 'knowledge_base', data: { name, sources: [missing] } }, 'unknown_source'],
    [
      {
        action: 'create',
        kind: 'orchestration',
        data: { name, entities: [{ entity_type: 'agent', entity_ref_id: missing }] },
      },
      'unknown_agent',
    ],
    [{ action: 'drop', kind: 'agent' }, 'invalid_arguments'],
    [{ action: 'create', kind: 'source', data: { name: 'S' } }, 'invalid_arguments'],
  ];
  const { results } = await run(
    cases.map(([args]) => args),
    fail,
    session,
  );
  assert.deepEqual(
    results.map(({ code, is_error }) => [code, is_error]),
    cases.map(([, code]) => [code, true]),
  );
});

test('an update shows the asset before and after, merges settings, and keeps what is hidden', async () => {
  const id = await addAgent(name, { temperature: 1, api_key: 'sk-planted-secret-0123456789' });
  const args = {
    action: 'update',
    kind: 'agent',
    id: name.toLowerCase(),
    data: { system_prompt: 'Be brief.', settings: { temperature: null, top_p: 0.5 } },
  };
  const { events, results } = await run([args], approve);
  const question = events.find(({ event }) => event === 'confirmation_required')!;
  const [before, after] = [question.before, question.after] as Record<string, unknown>[];
  assert.deepEqual(before!.settings, { temperature: 1, api_key: '[hidden]' });
  assert.deepEqual(after!.settings, { api_key: '[hidden]', top_p: 0.5 });
  assert.equal(question.summary, `Change system_prompt, settings of the agent "${name}".`);
  assert.equal(JSON.stringify(events).includes('planted'), false);
  assert.deepEqual([results[0]!.status, results[0]!.id], ['updated', id]);
  const [stored] = await agents(name);
  assert.deepEqual(stored!.settings, { api_key: 'sk-planted-secret-0123456789', top_p: 0.5 });
  assert.equal(stored!.system_prompt, 'Be brief.');
});

test('a deletion says what else goes or breaks', async () => {
  const id = await addAgent(name);
  const [flow] = await rows<{ id: string }>(
    `insert into ai.workflows (name) values ('Uses it') returning id`,
  );
  await rows(
    `insert into ai.workflow_blocks (workflow_id, type, name, config) values (?, 'agent', 'Answer', ?)`,
    [flow!.id, JSON.stringify({ agent_id: id })],
  );
  await rows('insert into ai.agent_tools (agent_id, tool_name) values (?, ?)', [id, 'search']);
  const { events, results } = await run([{ action: 'delete', kind: 'agent', id }], approve);
  const question = events.find(({ event }) => event === 'confirmation_required')!;
  assert.match(String(question.summary), /the block Answer of the workflow Uses it breaks/);
  assert.match(String(question.summary), /its 1 tools go/);
  assert.equal(question.after, null);
  assert.deepEqual(results[0], { status: 'deleted', kind: 'agent', id, is_error: false });
  assert.deepEqual(await agents(name), []);
});

for (const [what, change] of [
  ['changed', 'update ai.agents set system_prompt = ? where id = ?'],
  ['deleted', 'delete from ai.agents where ?::text is not null and id = ?'],
] as const) {
  test(`an asset that was ${what} in between is a conflict that changes nothing`, async () => {
    const id = await addAgent(name);
    const args = { action: 'update', kind: 'agent', id, data: { model: 'gpt-4o' } };
    const { results, events } = await run([args], async (event, turnId, session) => {
      await rows(change, ['Someone was here.', id]);
      await approve(event, turnId, session);
    });
    const { reason, hint, ...result } = results[0]!;
    assert.match(String(hint), /get_asset_details/);
    assert.deepEqual(result, { status: 'conflict', kind: 'agent', id, is_error: true });
    assert.match(String(reason), what === 'changed' ? /changed after/ : /does not exist/);
    const resolved = events.find(({ event }) => event === 'confirmation_resolved')!;
    assert.equal(resolved.decision, 'approved');
    assert.deepEqual(
      (await agents(name)).map((row) => row.model),
      what === 'changed' ? ['gpt-4.1'] : [],
    );
  });
}

test('a name that was taken in between is a conflict', async () => {
  const { results } = await run([create()], async (event, turnId, session) => {
    await addAgent(name);
    await approve(event, turnId, session);
  });
  assert.equal(results[0]!.status, 'conflict');
  assert.equal((await agents(name)).length, 1);
});

test('several questions of one step are asked one after another', async () => {
  const order: string[] = [];
  const { results } = await run(
    [create({ name: `${name} a` }), create({ name: `${name} b` })],
    async (event, turnId, session) => {
      order.push(`ask ${(event.after as { name: string }).name}`);
      const second = (event.after as { name: string }).name.endsWith('b');
      await decide(session, turnId, event.call_id, { approved: second });
    },
  );
  assert.deepEqual(order, [`ask ${name} a`, `ask ${name} b`]);
  assert.deepEqual(
    results.map(({ status }) => status),
    ['rejected', 'created'],
  );
});

test('every kind can be created, updated and deleted', async () => {
  const [source] = await rows<{ id: string }>(
    `insert into ai.sources (name) values ('Handbook') returning id`,
  );
  const agent = await addAgent(name);
  const kinds: [string, object, object][] = [
    ['knowledge_base', { description: 'Docs', sources: [source!.id] }, { sources: [] }],
    [
      'orchestration',
      {
        strategy: 'supervisor',
        entities: [{ entity_type: 'agent', entity_ref_id: agent, role_description: 'r' }],
      },
      { entities: [] },
    ],
    ['workflow', { description: 'Empty' }, { description: null }],
    ['agent', { knowledge_bases: [] }, { model: 'gpt-4o' }],
  ];
  for (const [kind, data, change] of kinds) {
    const of = `${name} ${kind}`;
    const made = await run([{ action: 'create', kind, data: { name: of, ...data } }], approve);
    const id = String(made.results[0]!.id);
    assert.equal(made.results[0]!.status, 'created', JSON.stringify(made.results));
    if (kind === 'knowledge_base') {
      assert.deepEqual(
        await rows('select index_status from ai.indexed_sources where knowledge_base_id = ?', [id]),
        [{ index_status: 'pending' }],
      );
    }
    const changed = await run([{ action: 'update', kind, id, data: change }], approve);
    assert.equal(changed.results[0]!.status, 'updated', JSON.stringify(changed.results));
    assert.notEqual(changed.results[0]!.version, made.results[0]!.version);
    const gone = await run([{ action: 'delete', kind, id: of }], approve);
    assert.equal(gone.results[0]!.status, 'deleted', JSON.stringify(gone.results));
  }
});

test('a cancel while waiting resolves the question as rejected, reason cancelled', async () => {
  const session = await newSession();
  const { events, end, turnId } = await run(
    [create(), create({ name: `${name} b` })],
    async (_event, turn) => {
      assert.equal(
        (await call('POST', `/api/copilot/sessions/${session.id}/turns/${turn}/cancel`)).status,
        202,
      );
    },
    session,
  );
  const resolved = events.filter(({ event }) => event === 'confirmation_resolved');
  assert.deepEqual(
    resolved.map(({ decision, reason }) => [decision, reason]),
    [['rejected', 'cancelled']],
  );
  assert.deepEqual([end.event, end.stop_reason], ['complete', 'cancelled']);
  assert.deepEqual(await agents(name), []);
  const callId = resolved[0]!.call_id;
  assert.equal((await decide(session, turnId, callId, { approved: true })).status, 409);
  assert.equal((await decide(session, turnId, callId, { approved: false })).status, 200);
});

test('approved and rejected at once: one decision, and the turn says which', async () => {
  for (let round = 0; round < 10; round++) {
    name = `Support ${++n}`;
    let statuses: number[] = [];
    const { results } = await run([create()], async (event, turnId, session) => {
      const answers = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          decide(session, turnId, event.call_id, { approved: i % 2 === 0 }),
        ),
      );
      statuses = answers.map(({ status }) => status);
    });
    const yes = statuses.filter((_, i) => i % 2 === 0);
    const no = statuses.filter((_, i) => i % 2 === 1);
    const created = results[0]!.status === 'created';
    assert.deepEqual(
      [yes, no],
      created ? [Array(5).fill(200), Array(5).fill(409)] : [Array(5).fill(409), Array(5).fill(200)],
    );
    assert.equal((await agents(name)).length, created ? 1 : 0);
  }
});

test('the audit log names who decided, and the same person for the change that was made', async () => {
  const acts = async (since: number) => {
    const { body } = await call('GET', '/api/copilot/audit?limit=200');
    const entries = body.entries as Record<string, unknown>[];
    return { n: entries.length, acts: entries.slice(0, entries.length - since).toReversed() };
  };
  const { n: before } = await acts(0);
  const created = await run([create()], approve);
  const id = created.results[0]!.id;
  const update = { action: 'update', kind: 'agent', id, data: { system_prompt: 'Be brief.' } };
  await run([update], approve);
  await run([{ action: 'delete', kind: 'agent', id }], (event, turnId, session) =>
    decide(session, turnId, event.call_id, { approved: false }),
  );
  // Somebody else changes the agent while the question is open: the approved deletion is a conflict and no act.
  await run([{ action: 'delete', kind: 'agent', id }], async (event, turnId, session) => {
    await rows(`update ai.agents set system_prompt = 'Other' where id = ?`, [id]);
    await approve(event, turnId, session);
    await approve(event, turnId, session);
  });
  await run([{ action: 'delete', kind: 'agent', id }], approve);
  const { acts: found } = await acts(before);
  assert.deepEqual(
    found.map(({ action, target }) => `${String(action)}${target === id ? ' of it' : ''}`),
    [
      'confirmation.decide',
      'asset.create of it',
      'confirmation.decide',
      'asset.update of it',
      'confirmation.decide',
      'confirmation.decide',
      'confirmation.decide',
      'asset.delete of it',
    ],
  );
  const [decided, made] = found;
  const asked = created.events.find(({ event }) => event === 'confirmation_required')!;
  assert.equal(decided!.target, `${created.turnId}/${String(asked.call_id)}`);
  for (const key of ['actor', 'role', 'request_id']) assert.equal(made![key], decided![key]);
  assert.deepEqual([made!.actor, made!.role], ['service_role', 'service_role']);
});

test('a decision whose signal was lost is heard all the same', async () => {
  const { results } = await run([create()], async (event, turnId) => {
    // What an API that dies between its two writes leaves behind.
    await rows(
      `update ai.copilot_confirmations set decision = 'approved', decided_by = 'test', decided_at = clock_timestamp()
       where turn_id = ? and call_id = ?`,
      [turnId, event.call_id],
    );
  });
  assert.equal(results[0]!.status, 'created');
});

test('a decision with the worker away is acted upon when it is back', async () => {
  const { results } = await run([create()], async (event, turnId, session) => {
    await system.stopWorker();
    await approve(event, turnId, session);
    assert.deepEqual(await agents(name), []);
    await system.startWorker();
  });
  assert.equal(results[0]!.status, 'created');
  assert.equal((await agents(name)).length, 1);
});

test('after the time that the question showed nobody can approve, with no worker there either', async () => {
  const { results, events } = await run([create()], async (event, turnId, session) => {
    await system.stopWorker();
    await rows(
      `update ai.copilot_confirmations set expires_at = clock_timestamp() where turn_id = ? and call_id = ?`,
      [turnId, event.call_id],
    );
    for (const approved of [true, false, true]) {
      const answer = await decide(session, turnId, event.call_id, { approved });
      assert.equal(answer.status, 409);
      assert.match(String(answer.body.error), /expired/);
    }
    await system.startWorker();
  });
  assert.equal(results[0]!.status, 'expired');
  assert.equal(events.find(({ event }) => event === 'confirmation_resolved')!.decision, 'expired');
  assert.deepEqual(await agents(name), []);
});

test('one who may not see the session may not decide', async () => {
  await run([create()], async (event, turnId, session) => {
    const other = await newSession();
    assert.equal((await decide(other, turnId, event.call_id, { approved: true })).status, 404);
    await decide(session, turnId, event.call_id, { approved: false });
  });
  assert.deepEqual(await agents(name), []);
});
