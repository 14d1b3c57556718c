/** Retention as an operator runs it: a schedule of Temporal, whose runs delete what is old, beside turns that go on. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { Connection, ScheduleClient, ScheduleNotFoundError } from '@temporalio/client';
import { loadConfig } from '../../../runtime/config.ts';
import { applyRetentionSchedule, retentionScheduleId } from '../../../worker/retention-schedule.ts';
import { startTurnSystem, type StreamedEvent, type TurnSystem } from '../../support/turn-system.ts';
import { until } from '../../support/until.ts';

const ADDRESS = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '';
let system: TurnSystem;

before(async () => {
  system = await startTurnSystem({
    COPILOT_EVENTS_RETENTION: '1 seconds',
    COPILOT_SESSION_RETENTION: '6 seconds',
    COPILOT_RETENTION_EVERY: '1 seconds',
  });
});
after(() => system?.close());

interface MessageBody {
  content: string;
  tool_calls: unknown[];
  tool_calls_deleted?: true;
  usage: { calls: number } | null;
}
const messagesOf = async (sessionId: string): Promise<MessageBody[]> =>
  (await system.call('GET', `/api/copilot/sessions/${sessionId}/messages`)).body.messages as MessageBody[];

async function eventsOf(sessionId: string, turnId: string): Promise<StreamedEvent[]> {
  const response = await fetch(`${system.url}/api/copilot/sessions/${sessionId}/turns/${turnId}/events`, {
    headers: system.headers,
  });
  return (await response.text())
    .split('\n\n')
    .filter((block) => block.startsWith('data: '))
    .map((block) => JSON.parse(block.slice(6)) as StreamedEvent);
}

test('old turns keep their messages and their bill, and lose their events and tool calls', async () => {
  system.scripts.set('Look', (step) =>
    step === 0
      ? {
          text: ['Let me ', 'see. '],
          toolCalls: [{ name: 'get_block_info', arguments: { block_type: 'agent' } }],
        }
      : { text: ['It is ', 'an agent.'] },
  );
  const session = await system.newSession();
  const { events, turnId, end } = await system.chat(session, { message: 'Look' });
  const path = `/api/copilot/sessions/${session.id}/turns/${turnId}`;
  const turn = (await system.call('GET', path)).body;
  await until(
    'the turn is purged',
    async () => (await messagesOf(session.id))[1]?.tool_calls_deleted === true,
  );

  const short = await eventsOf(session.id, turnId);
  assert.deepEqual(
    short.map(({ event, seq }) => `${seq} ${event}`),
    ['1 start', '2 content_delta', '3 complete'],
  );
  assert.deepEqual(short[0], events[0]);
  assert.deepEqual(short[2], { ...end, seq: 3 });
  const [, answer] = await messagesOf(session.id);
  assert.equal(answer!.content, end.content);
  assert.equal(short[1]!.delta, end.content);
  assert.deepEqual(answer!.tool_calls, []);
  assert.equal(answer!.usage!.calls, 2);
  assert.deepEqual((await system.call('GET', path)).body, turn);

  const next = await system.chat(session, { message: 'Look again' });
  assert.equal(next.end.event, 'complete');
  await system.call('DELETE', `/api/copilot/sessions/${session.id}`);
});

test('an idle session is deleted; one whose turn waits for a person is not', async () => {
  system.scripts.set('Make', (step) =>
    step === 0
      ? {
          text: ['I ask.'],
          toolCalls: [
            {
              name: 'manage_project_asset',
              arguments: { action: 'create', kind: 'agent', data: { name: 'Made', model: 'gpt-4.1' } },
            },
          ],
        }
      : { text: ['Done.'] },
  );
  const [idle, waiting] = [await system.newSession(), await system.newSession()];
  await system.chat(idle, { message: 'Hello' });
  const finished = system.chat(waiting, { message: 'Make it' }, async ({ event, call_id }, turnId) => {
    if (event !== 'confirmation_required') return;
    const gone = async (session: { id: string }): Promise<boolean> =>
      (await system.call('GET', `/api/copilot/sessions/${session.id}/messages`)).status === 404;
    await until('the idle session is deleted', () => gone(idle));
    // It has been silent for as long by now.
    await until('the waiting session is old', async () => {
      const { rows } = await system.db.raw<{ rows: { old: boolean }[] }>(
        "select updated_at < now() - interval '9 seconds' as old from ai.copilot_sessions where id = ?",
        [waiting.id],
      );
      return rows[0]?.old === true;
    });
    assert.equal(await gone(waiting), false);
    const answer = await system.call(
      'POST',
      `/api/copilot/sessions/${waiting.id}/turns/${turnId}/confirmations/${String(call_id)}`,
      { approved: true },
    );
    assert.equal(answer.status, 200);
  });
  const { end, names } = await finished;
  assert.equal(end.event, 'complete');
  assert.ok(names.includes('confirmation_resolved'));
  const { rows } = await system.db.raw<{ rows: unknown[] }>(
    'select 1 from ai.copilot_usage where session_id = ? and not estimated',
    [idle.id],
  );
  assert.equal(rows.length, 1, 'the bill of the deleted session');
});

test('the schedule follows the configuration, and stays paused when an operator has paused it', async () => {
  const connection = await Connection.connect({ address: ADDRESS });
  try {
    const taskQueue = `schedule-${randomUUID()}`;
    const apply = (env: Record<string, string>) =>
      applyRetentionSchedule(connection, loadConfig({ TEMPORAL_TASK_QUEUE: taskQueue, ...env }));
    const handle = new ScheduleClient({ connection }).getHandle(retentionScheduleId(taskQueue));
    const shown = async () => {
      const { spec, action, state } = await handle.describe();
      return {
        every: spec.intervals?.[0]?.every,
        args: action.type === 'startWorkflow' ? action.args : null,
        paused: state.paused,
      };
    };
    const days = 86_400_000;
    await Promise.all([apply({}), apply({}), apply({})]);
    assert.deepEqual(await shown(), {
      every: 3_600_000,
      args: [{ eventsMs: 90 * days, sessionsMs: null }],
      paused: false,
    });
    await handle.pause('maintenance');
    await apply({ COPILOT_RETENTION_EVERY: '2 seconds', COPILOT_SESSION_RETENTION: '7 days' });
    assert.deepEqual(await shown(), {
      every: 2_000,
      args: [{ eventsMs: 90 * days, sessionsMs: 7 * days }],
      paused: true,
    });
    for (let n = 0; n < 2; n += 1) await apply({ COPILOT_EVENTS_RETENTION: 'off' });
    await assert.rejects(handle.describe(), ScheduleNotFoundError);
  } finally {
    await connection.close();
  }
});
