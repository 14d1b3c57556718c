/**
 * The client against the real API and worker: every request, and whole turns. One file, because all of it shares one
 * service.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import {
  applyDiff,
  type Canvas,
  type CopilotClient,
  CopilotError,
  createCopilotClient,
  foldEvents,
  type Graph,
  initialTurnView,
  type TurnEvent,
  type TurnView,
} from '../../../client/src/index.ts';
import { signToken } from '../../support/test-api.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

let system: TurnSystem;
let client: CopilotClient;

before(async () => {
  system = await startTurnSystem();
  client = createCopilotClient({ baseUrl: system.url, getToken: () => signToken() });
});
after(() => system.close());

const START = randomUUID();
const WORK = randomUUID();
const graph = (): Graph => ({
  blocks: [
    {
      id: START,
      type: 'starter',
      name: 'Start',
      position: { x: 0, y: 0 },
      config: { input: {} },
      enabled: true,
    },
    {
      id: WORK,
      type: 'code',
      name: 'Work',
      position: { x: 0, y: 200 },
      config: { code: 'output = 1', language: 'python' },
      enabled: true,
    },
  ],
  edges: [{ source: START, target: WORK }],
});
const canvasOf = ({ blocks, edges }: Graph): Canvas => ({ nodes: blocks, edges });

async function newSession(): Promise<{ workflowId: string; sessionId: string }> {
  const { id: workflowId } = await client.workflows.create('Flow');
  await client.workflows.saveGraph(workflowId, graph());
  const { id: sessionId } = await client.sessions.create(workflowId);
  return { workflowId, sessionId };
}

/** All events, and the view that they make. */
async function read(
  events: AsyncIterable<TurnEvent>,
  onEvent: (event: TurnEvent, view: TurnView) => unknown = () => undefined,
): Promise<{ events: TurnEvent[]; view: TurnView }> {
  const seen: TurnEvent[] = [];
  let view = initialTurnView();
  for await (const event of events) {
    seen.push(event);
    view = foldEvents(view, event);
    await onEvent(event, view);
  }
  return { events: seen, view };
}

test('workflows, block types, settings and usage come as the service gives them', async () => {
  const { id, name } = await client.workflows.create('  Orders ');
  assert.equal(name, 'Orders');
  const saved = await client.workflows.saveGraph(id, { ...graph(), version: 1 });
  assert.deepEqual(saved, { ok: true, version: 2 });
  const workflow = await client.workflows.get(id);
  assert.deepEqual(applyDiff(workflow, {}), graph());
  await assert.rejects(client.workflows.saveGraph(id, { ...graph(), version: 1 }), (error: unknown) => {
    assert.ok(error instanceof CopilotError);
    assert.deepEqual([error.code, error.status, error.body?.version], ['conflict', 409, 2]);
    return true;
  });
  const { workflows, total, limit, offset } = await client.workflows.list({ limit: 1, offset: 0 });
  assert.deepEqual([workflows.length, limit, offset], [1, 1, 0]);
  assert.ok(total >= 1);
  const { block_types } = await client.blockTypes();
  assert.ok(block_types.some(({ type }) => type === 'starter'));
  const { options } = await client.settings.get();
  const model = options.find(({ available }) => available)!.value;
  assert.deepEqual(await client.settings.setModel(model), { ok: true, model, available: true });
  const report = await client.usage({ from: '2020-01-01T00:00:00Z' });
  assert.equal(report.from, '2020-01-01T00:00:00.000Z');
});

test('a request that fails throws an error with status, code and message', async () => {
  for (const id of ['', '..', '../copilot/usage', '\ud800', 'not an id', randomUUID()]) {
    await assert.rejects(client.workflows.get(id), {
      name: 'CopilotError',
      code: 'not_found',
      status: 404,
      message: 'No workflow exists with the given ID',
    });
  }
  const bad = createCopilotClient({ baseUrl: system.url, getToken: () => 'nonsense' });
  await assert.rejects(bad.blockTypes(), { code: 'unauthorized', message: 'The token is not valid' });
  const away = createCopilotClient({ baseUrl: 'http://127.0.0.1:9', getToken: () => 'token' });
  await assert.rejects(away.workflows.create('x'), { code: 'network', status: 0, mayPass: true });
});

test('a proposal: its diff, applied here, by the service, and undone', async () => {
  system.scripts.set('Build', (step) =>
    step === 0
      ? {
          text: ['Let me ', 'see.'],
          toolCalls: [
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
  const { workflowId, sessionId } = await newSession();
  const turns: string[] = [];
  const { events, view } = await read(
    client.chat(
      sessionId,
      { message: 'Build a reply', workflowState: canvasOf(graph()) },
      { onTurn: ({ turnId }) => void turns.push(turnId) },
    ),
  );
  assert.deepEqual(turns, [view.turnId]);
  assert.deepEqual(
    events.flatMap(({ seq }) => seq ?? []),
    events.filter(({ seq }) => seq !== undefined).map((_, index) => index + 1),
  );
  assert.equal(view.text, 'Let me see.\n\nAdded Reply.');
  assert.deepEqual([view.end, view.stopReason, view.sessionId], ['complete', 'done', sessionId]);
  assert.deepEqual(
    view.calls.map(({ name, state, isError }) => [name, state, isError]),
    [['modify_workflow', 'done', false]],
  );

  const { messages } = await client.sessions.messages(sessionId, { limit: 10 });
  assert.deepEqual(
    messages.map(({ role }) => role),
    ['user', 'assistant'],
  );
  const answer = messages[1]!;
  assert.deepEqual(
    [answer.id, answer.content, answer.workflow_diff, answer.usage],
    [view.messageId, view.text, view.diff, view.usage],
  );

  const applied = await client.snapshot(sessionId, answer.id, canvasOf(graph()));
  const here = applyDiff(graph(), view.diff!);
  const byId = (workflow: Parameters<typeof applyDiff>[0]) => {
    const { blocks, edges } = applyDiff(workflow, {});
    return {
      blocks: blocks.toSorted((a, b) => a.id.localeCompare(b.id)),
      edges: edges.toSorted((a, b) => a.target.localeCompare(b.target)),
    };
  };
  assert.deepEqual(byId(applied.workflow), byId(here));
  const { messages: kept } = await client.sessions.messages(sessionId, { message: answer.id });
  assert.deepEqual(kept[0]!.pre_snapshot, canvasOf(graph()));
  const undone = await client.revert(sessionId, answer.id);
  assert.deepEqual(byId(undone.workflow), byId(graph()));
  assert.equal((await client.workflows.get(workflowId)).version, undone.workflow.version);

  const replayed = await read(client.events(sessionId, view.turnId!));
  assert.deepEqual(
    replayed.events,
    events.filter(({ seq }) => seq !== undefined),
  );
  assert.deepEqual(await read(client.events(sessionId, view.turnId!, { after: view.lastSeq })), {
    events: [],
    view: initialTurnView(),
  });
  const turn = await client.turn(sessionId, view.turnId!);
  assert.deepEqual([turn.status, turn.workflow_diff, turn.usage], ['complete', view.diff, view.usage]);
});

test('a confirmation is answered while its stream is read', async () => {
  system.scripts.set('Create', (step) =>
    step === 0
      ? {
          toolCalls: [
            {
              name: 'manage_project_asset',
              arguments: {
                action: 'create',
                kind: 'agent',
                data: { name: `Support ${randomUUID()}`, model: 'gpt-4.1', system_prompt: 'You help.' },
              },
            },
          ],
        }
      : { text: ['As you wish.'] },
  );
  const { sessionId } = await newSession();
  const { view } = await read(client.chat(sessionId, { message: 'Create an agent' }), async (event, view) => {
    if (event.event !== 'confirmation_required') return;
    const turn = await client.turn(sessionId, view.turnId!);
    assert.equal(turn.pending_confirmation?.call_id, event.call_id);
    const answer = await client.confirm(sessionId, view.turnId!, event.call_id, {
      approved: false,
      reason: 'not now',
    });
    assert.deepEqual(answer, { ok: true, decision: 'rejected' });
  });
  assert.deepEqual(
    view.confirmations.map(({ decision, reason }) => [decision, reason]),
    [['rejected', 'not now']],
  );
  assert.equal(view.text, 'As you wish.');
});

test('a running turn: a second message is refused or joins, and a cancel ends both streams', async () => {
  const release = Promise.withResolvers<void>();
  system.scripts.set('Wait', () => ({ text: ['Well'], holdEnd: release.promise }));
  const { workflowId, sessionId } = await newSession();
  const first = read(client.chat(sessionId, { message: 'Wait here' }), async (event, { turnId }) => {
    if (event.event !== 'content_delta') return;
    await assert.rejects(read(client.chat(sessionId, { message: 'Another' })), (error: unknown) => {
      assert.ok(error instanceof CopilotError);
      assert.deepEqual([error.code, error.status, error.body?.turn_id], ['turn_running', 409, turnId]);
      return true;
    });
    const { session } = await client.sessions.newest(workflowId);
    const { sessions } = await client.sessions.list(workflowId, { limit: 5 });
    assert.deepEqual(sessions, [{ ...session, title: 'Wait here', messages: 1 }]);
    assert.deepEqual([session?.id, session?.active_turn_id], [sessionId, turnId]);
    const joins: unknown[] = [];
    const second = read(
      client.chat(
        sessionId,
        { message: 'Another' },
        { joinRunning: true, onTurn: (turn) => void joins.push(turn) },
      ),
    );
    assert.deepEqual(await client.cancel(sessionId, turnId!), { ok: true });
    const joined = await second;
    assert.deepEqual(joins, [{ turnId, joined: true }]);
    assert.deepEqual([joined.view.turnId, joined.view.stopReason], [turnId, 'cancelled']);
  });
  const { view } = await first;
  release.resolve();
  assert.deepEqual([view.end, view.stopReason, view.text], ['complete', 'cancelled', 'Well']);
  const { messages } = await client.sessions.messages(sessionId);
  assert.equal(messages.length, 2, 'the second message was not sent');
  await client.sessions.delete(sessionId);
  await assert.rejects(read(client.events(sessionId, view.turnId!)), { code: 'not_found' });
});

test('a failed turn ends its stream with the error event', async () => {
  system.scripts.set('Fail', () => ({ error: { status: 401, body: { error: { message: 'bad key' } } } }));
  const { sessionId } = await newSession();
  const { view } = await read(client.chat(sessionId, { message: 'Fail now' }));
  assert.deepEqual([view.end, view.error?.code], ['error', 'model_auth']);
});

test('a token that ends in the middle of a stream is asked for again, and nothing is lost', async () => {
  const isBack = Promise.withResolvers<void>();
  system.scripts.set('Long', () => ({ text: ['A long ', 'story.'], holdEnd: isBack.promise }));
  const { sessionId } = await newSession();
  let asked = 0;
  const short = createCopilotClient({
    baseUrl: system.url,
    getToken() {
      asked += 1;
      return signToken({ exp: Math.floor(Date.now() / 1_000) + (asked === 1 ? 1 : 3_600) });
    },
  });
  const states: string[] = [];
  const { view, events } = await read(
    short.chat(
      sessionId,
      { message: 'Long story' },
      {
        onConnection(state) {
          states.push(state);
          if (states.length === 3) isBack.resolve();
        },
      },
    ),
  );
  assert.deepEqual(states, ['connected', 'reconnecting', 'connected']);
  assert.equal(asked, 2);
  assert.equal(view.text, 'A long story.');
  const numbers = events.flatMap(({ seq }) => seq ?? []);
  assert.deepEqual(
    numbers,
    numbers.map((_, index) => index + 1),
  );
});
