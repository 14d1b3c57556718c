/** Limits and budgets of chats, over two API processes with a worker, Temporal and a fake provider. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, beforeEach, test } from 'node:test';
import { type RunningApi, startApi } from '../../../api/run-api.ts';
import type { Config } from '../../../runtime/config.ts';
import { queryRows } from '../../support/stored-workflows.ts';
import { signToken, silentLogger, TEST_SECRET } from '../../support/test-api.ts';
import { startTurnSystem, type StreamedEvent, type TurnSystem } from '../../support/turn-system.ts';

const BUDGET = 100;

let system: TurnSystem;
let second: RunningApi;
let urls: string[];
/** Who chats; each test has a principal of its own. */
let sub: string;

before(async () => {
  let place: { url: string; config: Config } | null = null;
  system = await startTurnSystem(
    {
      COPILOT_ALLOWED_ROLES: 'service_role,authenticated',
      COPILOT_LIMIT_RUNNING_TURNS: '2',
      COPILOT_LIMIT_CHATS_PER_MINUTE: '5',
      COPILOT_LIMIT_STREAMS: '4',
      COPILOT_BUDGET_TOKENS_PER_SESSION: String(BUDGET),
      COPILOT_BUDGET_TOKENS_PER_DAY: String(2 * BUDGET),
    },
    silentLogger,
    (started) => {
      place = started;
      return {};
    },
  );
  const { url: databaseUrl, config } = place!;
  const temporalAddress = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '';
  second = await startApi({
    config,
    databaseUrl,
    temporalAddress,
    jwtSecret: TEST_SECRET,
    logger: silentLogger,
  });
  urls = [system.url, second.url];
  const asset = {
    action: 'create',
    kind: 'agent',
    data: { name: `Agent ${randomUUID()}`, model: 'gpt-4.1' },
  };
  system.scripts.set('Ask', (step) =>
    step === 0
      ? { toolCalls: [{ name: 'manage_project_asset', arguments: asset }], usage: { input: 1, output: 1 } }
      : { text: ['Done.'], usage: { input: 1, output: 1 } },
  );
  system.scripts.set('Hello', () => ({ text: ['Hi.'], usage: { input: 2, output: 1 } }));
  system.scripts.set('Spend', () => ({ text: ['Done.'], usage: { input: BUDGET - 1, output: 1 } }));
  const add = { add_blocks: [{ id: 'new', type: 'code', name: 'New', config: { code: 'output = 1' } }] };
  system.scripts.set('Edit', () => ({
    text: ['I add a block.'],
    toolCalls: [{ name: 'modify_workflow', arguments: add }],
    usage: { input: BUDGET, output: 20 },
  }));
});
after(async () => {
  await second?.close();
  await system?.close();
});
beforeEach(() => (sub = `user-${randomUUID()}`));

const headersOf = async (claims: object): Promise<Record<string, string>> => ({
  Authorization: `Bearer ${await signToken({ ...claims })}`,
  'Content-Type': 'application/json',
});
const own = () => ({ role: 'authenticated', sub });

async function newSession(claims: object = own()): Promise<string> {
  const headers = await headersOf(claims);
  const post = async (path: string, body: object) =>
    (await (
      await fetch(system.url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    ).json()) as {
      id: string;
    };
  const { id } = await post('/api/workflows', { name: 'Flow' });
  return (await post('/api/copilot/sessions', { workflow_id: id })).id;
}

interface Chat {
  status: number;
  turnId: string | null;
  retryAfter: number;
  error: string;
  body: Record<string, unknown>;
  /** Reads up to an event of this name. */
  until(name: string): Promise<StreamedEvent>;
  leave(): void;
}

async function chat(
  session: string,
  message: string,
  { api = 0, key, claims = own() }: { api?: number; key?: string; claims?: object } = {},
): Promise<Chat> {
  const controller = new AbortController();
  const response = await fetch(`${urls[api]!}/api/copilot/sessions/${session}/chat`, {
    method: 'POST',
    headers: { ...(await headersOf(claims)), ...(key === undefined ? {} : { 'Idempotency-Key': key }) },
    body: JSON.stringify({ message }),
    signal: controller.signal,
  });
  const body = response.status === 200 ? {} : ((await response.json()) as Record<string, unknown>);
  let text = '';
  const reader =
    response.status === 200 ? response.body!.pipeThrough(new TextDecoderStream()).getReader() : null;
  return {
    status: response.status,
    turnId: response.headers.get('x-turn-id'),
    retryAfter: Number(response.headers.get('retry-after')),
    error: typeof body.error === 'string' ? body.error : '',
    body,
    async until(name) {
      for (;;) {
        for (const line of text.split('\n')) {
          const event =
            line.startsWith('data: ') && line.endsWith('}')
              ? (JSON.parse(line.slice(6)) as StreamedEvent)
              : null;
          if (event?.event === name) return event;
        }
        const { done, value } = await reader!.read();
        assert.ok(!done, `the stream ended without ${name}: ${text.slice(-500)}`);
        text += value;
      }
    },
    leave: () => controller.abort(),
  };
}

/** A chat that is over. */
async function finished(
  session: string,
  message: string,
  options?: Parameters<typeof chat>[2],
): Promise<StreamedEvent> {
  const answer = await chat(session, message, options);
  assert.equal(answer.status, 200, answer.error);
  return answer.until('complete');
}

async function cancel(session: string, turnId: string | null): Promise<void> {
  const path = `/api/copilot/sessions/${session}/turns/${turnId!}/cancel`;
  const { status } = await fetch(system.url + path, { method: 'POST', headers: await headersOf(own()) });
  assert.equal(status, 202);
}

test('turns at once: the next one is refused by every API, and nothing of it is kept', async () => {
  const [first, other, third] = [await newSession(), await newSession(), await newSession()];
  const key = randomUUID();
  const one = await chat(first, 'Ask one', { key });
  const two = await chat(other, 'Ask two', { api: 1 });
  await Promise.all([one.until('confirmation_required'), two.until('confirmation_required')]);
  for (const api of [0, 1]) {
    const refused = await chat(third, 'Hello', { api, key: 'k' });
    assert.deepEqual([refused.status, refused.retryAfter], [429, 5]);
    assert.match(refused.error, /^Your limit of 2 turns at once is reached\. Nothing was done\./);
  }
  const kept = await queryRows(
    system.db,
    `select 1 from ai.copilot_turns where session_id = ?
     union all select 1 from ai.copilot_messages where session_id = ?
     union all select 1 from ai.copilot_sessions where id = ? and updated_at > created_at + interval '1 ms'`,
    [third, third, third],
  );
  assert.deepEqual(kept, []);
  // A session with a running turn answers which one it is, and a repeat attaches to it.
  const busy = await chat(other, 'Hello');
  assert.deepEqual([busy.status, busy.body.turn_id], [409, two.turnId]);
  const again = await chat(first, 'Ask one', { api: 1, key });
  assert.deepEqual([again.status, again.turnId], [200, one.turnId]);
  assert.equal(
    (await chat(await newSession({}), 'Hello', { claims: {} })).status,
    200,
    'the backend has no limit',
  );
  for (const each of [one, two, again]) each.leave();
  await cancel(other, two.turnId);
  const ended = await fetch(`${system.url}/api/copilot/sessions/${other}/turns/${two.turnId!}/events`, {
    headers: await headersOf(own()),
  });
  assert.match(await ended.text(), /"stop_reason":"cancelled"/);
  await finished(third, 'Hello', { api: 1, key: 'k' });
  await cancel(first, one.turnId);
});

test('chats a minute: what did not start counts for nothing, and a repeat is never refused', async () => {
  const session = await newSession();
  const keys = Array.from({ length: 5 }, () => randomUUID());
  for (const [n, key] of keys.entries()) {
    await finished(session, `Hello ${n}`, { key, api: n % 2 });
    assert.equal((await chat(session, 'Other words', { key })).status, 409);
    assert.equal((await chat(session, ' ')).status, 400);
  }
  for (const api of [0, 1]) {
    const refused = await chat(session, 'Hello', { api });
    assert.equal(refused.status, 429);
    assert.ok(refused.retryAfter >= 1 && refused.retryAfter <= 60, String(refused.retryAfter));
    assert.match(refused.error, /^Your limit of 5 chats a minute is reached\./);
    assert.ok(refused.error.includes(`in ${refused.retryAfter} s`));
  }
  await finished(session, 'Hello 0', { key: keys[0]! });
  await system.db.raw(
    `update ai.copilot_chat_starts set started_at = started_at - interval '1 minute' where principal = ?`,
    [sub],
  );
  await finished(session, 'Hello again');
});

test('a turn that uses up a budget ends after its step with its changes; then chats are refused', async () => {
  const session = await newSession();
  const answer = await chat(session, 'Edit my flow');
  const end = await answer.until('complete');
  assert.deepEqual([end.stop_reason, end.content], ['budget', 'I add a block.']);
  assert.equal((end.usage as { calls: number }).calls, 1);
  assert.equal(
    (end.workflow_diff as { add_blocks: unknown[] }).add_blocks.length,
    1,
    'the calls of the step are made',
  );
  for (const api of [0, 1]) {
    const refused = await chat(session, 'Hello', { api });
    assert.equal(refused.status, 429);
    assert.ok(refused.retryAfter > 0);
    assert.match(refused.error, /^The budget of 100 tokens of this session is used up and does not renew\./);
  }
  assert.equal((await finished(await newSession(), 'Hello')).stop_reason, 'done', 'another session');
});

test('a budget of a day outlives sessions and holds for one principal; the answer says when it renews', async () => {
  const [first, next] = [await newSession(), await newSession()];
  assert.equal((await finished(first, 'Spend it')).stop_reason, 'done', 'the answer was whole');
  assert.equal((await finished(next, 'Spend it')).stop_reason, 'done');
  const headers = await headersOf(own());
  for (const id of [first, next])
    await fetch(`${system.url}/api/copilot/sessions/${id}`, { method: 'DELETE', headers });
  const refused = await chat(await newSession(), 'Hello', { api: 1 });
  assert.equal(refused.status, 429);
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
  assert.match(refused.error, /^Your budget of 200 tokens a day is used up\./);
  assert.ok(refused.error.includes(`renews at ${tomorrow}T00:00:00.000Z`), refused.error);
  const left = (Date.parse(`${tomorrow}T00:00:00Z`) - Date.now()) / 1_000;
  assert.ok(Math.abs(refused.retryAfter - left) < 10);
  sub = `other-${sub}`;
  await finished(await newSession(), 'Hello');
  await finished(await newSession({}), 'Hello', { claims: {} });
});

test('the workflow of a turn has a fairness key that tells nothing of the principal', async () => {
  const session = await newSession();
  await finished(session, 'Hello');
  const describe = async (id: string) => {
    const { workflowExecutionInfo } = await system.connection.workflowService.describeWorkflowExecution({
      namespace: 'default',
      execution: { workflowId: `copilot-session-${id}` },
    });
    return workflowExecutionInfo!.priority!;
  };
  const { priorityKey, fairnessKey } = await describe(session);
  assert.equal(priorityKey, 2);
  assert.match(String(fairnessKey), /^principal-[\w-]{32}$/);
  assert.ok(!String(fairnessKey).includes(sub));
  const another = await newSession();
  await finished(another, 'Hello');
  assert.equal((await describe(another)).fairnessKey, fairnessKey);
  const backend = await newSession({});
  await finished(backend, 'Hello', { claims: {} });
  assert.match(String((await describe(backend)).fairnessKey), /^workflow-[0-9a-f-]{36}$/);
});
