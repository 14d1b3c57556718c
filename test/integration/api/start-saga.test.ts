/**
 * The start of a turn writes to Postgres, to Temporal, and to Postgres again. An API loses either of them at each of these
 * steps, before the server has got the request and after: no session stays locked, and no turn is lost or doubled. One
 * file, because it is one table of the steps and the losses.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import { createTurnControl } from '../../../api/turns/create-turn-control.ts';
import { createSweeper } from '../../../api/turns/sweeper.ts';
import type { TurnControlOptions } from '../../../api/turns/turn-control-options.ts';
import { turnWorkflowId } from '../../../contracts/turn-workflow-id.ts';
import { insertStartingTurn } from '../../../db/turns/turn.ts';
import { createTemporalIdentity } from '../../../db/temporal/temporal-identity.ts';
import { catalogueOf, type Config } from '../../../runtime/config.ts';
import { connectTemporalClient } from '../../../runtime/connections.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { silentLogger, startTestApi, type TestApi } from '../../support/test-api.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

const ADDRESS = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '';
const HEALED_MS = 30_000;

type Step = 'insert' | 'start' | 'promote' | 'delete';
type Way = 'toServer' | 'toClient';

/** The statement of each step that is Postgres'. */
const STATEMENTS: Record<Exclude<Step, 'start'>, RegExp> = {
  insert: /insert into ai\.copilot_turns/,
  promote: /update ai\.copilot_turns\s+set status = 'running'/,
  delete: /delete from ai\.copilot_turns where id = \? and status = 'starting'/,
};

/** What is lost: the request to the server, or the server's answer. */
const SCENARIOS: Partial<Record<Step, Way>>[] = [
  { insert: 'toServer' },
  { insert: 'toClient' },
  { start: 'toServer' },
  { start: 'toClient' },
  { promote: 'toServer' },
  { promote: 'toClient' },
  { start: 'toServer', delete: 'toServer' },
  { start: 'toServer', delete: 'toClient' },
  { start: 'toClient', delete: 'toServer' },
  { start: 'toClient', delete: 'toClient' },
];

let system: TurnSystem;
let place: { url: string; config: Config };

before(async () => {
  system = await startTurnSystem({}, silentLogger, (started) => {
    place = started;
    return {};
  });
});
after(() => system?.close());

/** Options on links of their own; `beforeStart` runs right before Temporal is asked to start the workflow. */
async function connectControl(
  db: TurnControlOptions['db'],
  address: string,
  beforeStart: () => Promise<void>,
) {
  const { config } = place;
  const temporal = await connectTemporalClient(config.temporal, address, silentLogger);
  const options: TurnControlOptions = {
    db,
    client: temporal.client,
    identity: createTemporalIdentity({
      db,
      connection: temporal.client.connection,
      config,
      logger: silentLogger,
    }),
    taskQueue: config.temporal.taskQueue,
    catalogue: catalogueOf(config),
    fallbackModel: null,
    promptVersion: 'v2',
    linkToTurn: () => null,
    limits: config.limits,
    budgets: config.budgets,
    eagerStart: false,
    async searchAttributes() {
      await beforeStart();
      return false;
    },
    diffGraphs: async () => null,
    logger: silentLogger,
  };
  const turns = createTurnControl(options);
  return {
    options,
    turns,
    async close() {
      turns.close();
      await temporal.close();
    },
  };
}

interface FaultyApi {
  api: TestApi;
  /** Both links work again, and no step breaks them any more. */
  heal(): void;
  close(): Promise<void>;
}

/** An API whose links break at the steps that a scenario names. */
async function startFaultyApi(scenario: Partial<Record<Step, Way>>): Promise<FaultyApi> {
  const through = ({ hostname, port }: URL): Promise<FaultProxy> =>
    startFaultProxy({ host: hostname, port: Number(port) });
  const [postgres, temporal] = await Promise.all([
    through(new URL(place.url)),
    through(new URL(`tcp://${ADDRESS}`)),
  ]);
  let armed = true;
  const reach = (step: Step, proxy: FaultProxy): void => {
    const way = scenario[step];
    if (armed && way) proxy.inject({ kind: 'blackHole', way });
  };
  const api = await startTestApi({
    databaseUrl: Object.assign(new URL(place.url), { host: postgres.address }).href,
    async connectTurns(db) {
      db.on('query', ({ sql }: { sql: string }) => {
        for (const step of ['insert', 'promote', 'delete'] as const)
          if (STATEMENTS[step].test(sql.replaceAll(/\$\d+/g, '?'))) reach(step, postgres);
      });
      return connectControl(db, temporal.address, async () => reach('start', temporal));
    },
  });
  return {
    api,
    heal() {
      armed = false;
      postgres.heal();
      temporal.heal();
    },
    async close() {
      await api.close();
      await Promise.all([postgres.close(), temporal.close()]);
    },
  };
}

interface Sent {
  status: number;
  error: { error?: string; turn_id?: string };
  /** The name of the last event; reads the stream to its end. */
  end: () => Promise<string | undefined>;
}

async function send({ api }: FaultyApi, session: string, message: string, key: string | null): Promise<Sent> {
  const response = await fetch(`${api.url}/api/copilot/sessions/${session}/chat`, {
    method: 'POST',
    headers: {
      ...api.headers,
      'Content-Type': 'application/json',
      ...(key === null ? {} : { 'Idempotency-Key': key }),
    },
    body: JSON.stringify({ message }),
    signal: AbortSignal.timeout(2 * HEALED_MS),
  });
  const { status } = response;
  return {
    status,
    error: status === 200 ? {} : ((await response.json()) as Sent['error']),
    end: async () => [...(await response.text()).matchAll(/"event":"(\w+)"/g)].at(-1)?.[1],
  };
}

/** Sends the message until it is taken. A 409 is fine only where the answer before it said that a turn may run. */
async function sendUntilTaken(
  faulty: FaultyApi,
  session: string,
  message: string,
  key: string | null,
  mayRun: boolean,
): Promise<Sent> {
  for (const until = Date.now() + HEALED_MS; ; await delay(100)) {
    const sent = await send(faulty, session, message, key);
    if (sent.status === 200) return sent;
    assert.ok(sent.status === 503 || (mayRun && sent.status === 409), JSON.stringify(sent));
    assert.ok(Date.now() < until, `the session stays locked: ${JSON.stringify(sent.error)}`);
  }
}

/** What is left of a message once the sweeper has had its time: its turns, the session's messages, its model calls. */
async function traces(session: string, message: string) {
  const { db } = system;
  await db.raw(
    `update ai.copilot_turns set created_at = now() - interval '1 minute'
     where session_id = ? and status = 'starting'`,
    [session],
  );
  const control = await connectControl(db, ADDRESS, async () => undefined);
  await createSweeper(control.options, { start: false }).pass();
  await control.close();
  const { rows: turns } = await db.raw<{ rows: { status: string }[] }>(
    'select status from ai.copilot_turns where session_id = ? and message = ?',
    [session, message],
  );
  const { rows: messages } = await db.raw<{ rows: { role: string }[] }>(
    `select m.role from ai.copilot_messages m join ai.copilot_turns t on m.id in (t.user_message_id, t.message_id)
     where t.session_id = ? and t.message = ? order by m.role`,
    [session, message],
  );
  return {
    turns: turns.map(({ status }) => status),
    messages: messages.map(({ role }) => role),
    modelCalls: system.fake.requests.filter((request) => request.message === message).length,
  };
}

const ONCE = { turns: ['complete'], messages: ['assistant', 'user'], modelCalls: 1 };
const NEVER = { turns: [], messages: [], modelCalls: 0 };

const nameOf = (scenario: Partial<Record<Step, Way>>): string =>
  Object.entries(scenario)
    .map(([step, way]) => `${step} lost ${way === 'toServer' ? 'on its way' : 'with its answer'}`)
    .join(', ');

describe('the start of a turn', { concurrency: 4 }, () => {
  for (const scenario of SCENARIOS) {
    test(`${nameOf(scenario)}: a repeat with its key has the one turn`, async () => {
      const session = (await system.newSession()).id;
      const message = randomUUID();
      const key = randomUUID();
      const faulty = await startFaultyApi(scenario);
      try {
        let sent = await send(faulty, session, message, key);
        faulty.heal();
        if (sent.status !== 200) {
          assert.equal(sent.status, 503, JSON.stringify(sent.error));
          sent = await sendUntilTaken(faulty, session, message, key, false);
        }
        assert.equal(await sent.end(), 'complete');
        assert.deepEqual(await traces(session, message), ONCE);
        assert.equal(await (await sendUntilTaken(faulty, session, 'Next', null, false)).end(), 'complete');
      } finally {
        faulty.heal();
        await faulty.close();
      }
    });

    test(`${nameOf(scenario)}: the answer says what became of it, and the session is free`, async () => {
      const session = (await system.newSession()).id;
      const message = randomUUID();
      const faulty = await startFaultyApi(scenario);
      try {
        const { status, error, end } = await send(faulty, session, message, null);
        faulty.heal();
        const isUnknown = error.turn_id !== undefined;
        assert.equal(isUnknown, scenario.start !== undefined && scenario.delete !== undefined);
        const runs = scenario.promote !== undefined || nameOf(scenario) === 'start lost with its answer';
        assert.equal(status, runs ? 200 : 503);
        if (runs) assert.equal(await end(), 'complete');
        const next = randomUUID();
        assert.equal(await (await sendUntilTaken(faulty, session, next, null, isUnknown)).end(), 'complete');
        const left = await traces(session, message);
        assert.deepEqual(left, runs || (isUnknown && left.turns.length > 0) ? ONCE : NEVER);
        assert.deepEqual(await traces(session, next), ONCE);
      } finally {
        faulty.heal();
        await faulty.close();
      }
    });
  }

  test('a turn that the request with its key took back is begun anew by the next one', async () => {
    const session = await system.newSession();
    const message = randomUUID();
    const takenBack: string[] = [];
    // As the request does whose start has just failed: this one has found its row a moment before.
    const control = await connectControl(system.db, ADDRESS, async () => {
      if (takenBack.length === 0) takenBack.push(...(await removeStarting(session.id)));
    });
    try {
      const { turnId } = await control.turns.start({
        session,
        message,
        graph: null,
        idempotencyKey: randomUUID(),
        principal: null,
      });
      assert.equal(takenBack.length, 1);
      assert.notEqual(turnId, takenBack[0]);
      await resultOf(session.id);
      assert.deepEqual(await traces(session.id, message), ONCE);
    } finally {
      await control.close();
    }
  });

  test('a key whose turn is taken back between the insert and the look at it is no missing session', async () => {
    const session = await system.newSession();
    const { db } = system;
    const message = randomUUID();
    const key = randomUUID();
    const place = { sessionId: session.id, workflowId: session.workflowId };
    const rival = startingTurn(place, { idempotencyKey: key, message });
    let lookups = 0;
    const racing = new Proxy(db, {
      get(target, name) {
        if (name !== 'raw') return Reflect.get(target, name) as unknown;
        return async (sql: string, bindings: Knex.ValueDict) => {
          if (lookups === 1 && STATEMENTS.insert.test(sql)) await insertStartingTurn(db, rival);
          if (sql.includes('idempotency_key = ?')) lookups += 1;
          if (lookups === 2) await removeStarting(session.id);
          return db.raw(sql, bindings) as unknown;
        };
      },
    });
    const control = await connectControl(racing, ADDRESS, async () => undefined);
    try {
      await control.turns.start({ session, message, graph: null, idempotencyKey: key, principal: null });
      assert.equal(lookups, 3);
      await resultOf(session.id);
      assert.deepEqual(await traces(session.id, message), ONCE);
    } finally {
      await control.close();
    }
  });
});

/** The ids of the turns that were removed. */
async function removeStarting(sessionId: string): Promise<string[]> {
  const { rows } = await system.db.raw<{ rows: { id: string }[] }>(
    `delete from ai.copilot_turns where session_id = ? and status = 'starting' returning id`,
    [sessionId],
  );
  return rows.map(({ id }) => id);
}

/** Resolves when the session's workflow has ended. */
function resultOf(sessionId: string): Promise<unknown> {
  return new Client({ connection: system.connection }).workflow.getHandle(turnWorkflowId(sessionId)).result();
}
