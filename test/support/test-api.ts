/** The API on a real Postgres and a free port, with a fake turn control. Tests write rows by SQL. */
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { SignJWT } from 'jose';
import type { Knex } from 'knex';
import { createApp, createRoutes } from '../../api/app.ts';
import { createHttpServer } from '../../api/http/http-server.ts';
import { createRequestLimits } from '../../api/limits/request-limits.ts';
import { createTurnEventHub, type TurnEventHub } from '../../api/event-stream/turn-event-hub.ts';
import type { TurnControl } from '../../api/turns/turn-control.ts';
import type { Actor } from '../../contracts/audit.ts';
import { TURN_EVENTS_CHANNEL } from '../../contracts/names.ts';
import { findTurn } from '../../db/turns/turn.ts';
import { createKnex } from '../../db/connection/knex.ts';
import { type Config, loadConfig } from '../../runtime/config.ts';
import { createLogger, type Logger } from '../../runtime/logger.ts';
import { createMetrics } from '../../runtime/metrics/metrics.ts';
import { watchAnswers } from './description-check.ts';
import { listenLocally } from './listen.ts';

export const TEST_SECRET = new TextEncoder().encode('a secret for tests only, 32 bytes');
export const silentLogger: Logger = createLogger({ level: 'silent' });

/** Who acts in tests of functions that record acts. */
export const TESTER: Actor = { actor: 'tester', role: 'service_role', requestId: 'test' };

/** Signs a token. By default its role is service_role and it expires in an hour. */
export function signToken(claims: Record<string, unknown> = {}): Promise<string> {
  return new SignJWT({ role: 'service_role', exp: Math.floor(Date.now() / 1000) + 3_600, ...claims })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(TEST_SECRET);
}

/** A turn control that fails on every call that the test does not override. */
export function fakeTurnControl(overrides: Partial<TurnControl> = {}): TurnControl {
  const unexpected = (name: string) => async (): Promise<never> => {
    throw new Error(`unexpected call of ${name}`);
  };
  return {
    start: unexpected('start'),
    cancel: unexpected('cancel'),
    confirm: unexpected('confirm'),
    cancelForDelete: async () => undefined,
    exists: unexpected('exists'),
    get: unexpected('get'),
    inspectSilence: async () => null,
    ...overrides,
  };
}

export interface TestApi {
  url: string;
  port: number;
  db: Knex;
  hub: TurnEventHub;
  /** Every route of the application, such as `GET /api/workflows/:id`. */
  routes: string[];
  /** Request headers with a service token. */
  headers: Record<string, string>;
  /** The server's open sockets. */
  connections: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export async function startTestApi(options: {
  databaseUrl: string;
  turns?: Partial<TurnControl>;
  /** Creates the turn control from the API's pool, instead of `turns`. */
  connectTurns?: (db: Knex) => Promise<{ turns: TurnControl; close(): Promise<void> }>;
  config?: Partial<Config>;
  silenceMs?: number;
  /** What the test plants in the tables, and no version of the service writes: the faults that it causes. */
  plantedFaults?: RegExp[];
  logger?: Logger;
}): Promise<TestApi> {
  const logger = options.logger ?? silentLogger;
  const db = createKnex({ databaseUrl: options.databaseUrl, applicationName: 'test-api' });
  const connected = await options.connectTurns?.(db);
  const exists: TurnControl['exists'] = async ({ sessionId, turnId }) => {
    const turn = await findTurn(db, turnId);
    return turn?.sessionId === sessionId && turn.status !== 'starting';
  };
  const turns = connected?.turns ?? fakeTurnControl({ exists, ...options.turns });
  const hub = createTurnEventHub({
    databaseUrl: options.databaseUrl,
    logger,
    inspectSilence: (turnId) => turns.inspectSilence(turnId),
    ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
  });
  const config = { ...loadConfig({}), ...options.config };
  const limits = createRequestLimits({ db, limits: config.limits, logger });
  const deps = {
    db,
    config,
    limits,
    jwtSecret: TEST_SECRET,
    logger,
    metrics: createMetrics({ runtime: false }),
    turns,
    hub,
    readiness: async () => ({ ok: false, problems: ['Temporal is not reachable'] }),
  };
  const app = createApp(deps);
  const server = createHttpServer(app);
  const connections = new Set<Socket>();
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('close', () => connections.delete(socket));
  });
  const { port, close } = await listenLocally(server);
  const watch = watchAnswers(port);
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    db,
    hub,
    routes: createRoutes(deps).stack.flatMap(({ methods, path }) =>
      methods.filter((method) => method !== 'HEAD').map((method) => `${method} ${String(path)}`),
    ),
    headers: { Authorization: `Bearer ${await signToken()}` },
    connections,
    async close() {
      await hub.close();
      await close();
      await connected?.close();
      await limits.close();
      await db.destroy();
      watch.stop();
      watch.assertNone(options.plantedFaults);
    },
  };
}

/** Inserts a workflow with a session. */
export async function insertSession(
  db: Knex,
  ownerSub: string | null = null,
): Promise<{ sessionId: string; workflowId: string }> {
  const workflowId = randomUUID();
  const sessionId = randomUUID();
  await db.raw(`insert into ai.workflows (id, name) values (?, 'Test')`, [workflowId]);
  await db.raw(
    `insert into ai.copilot_sessions (id, workflow_id, owner_sub, created_at, updated_at) values (?, ?, ?, now(), now())`,
    [sessionId, workflowId, ownerSub],
  );
  return { sessionId, workflowId };
}

/** Inserts a turn without events. */
export async function insertTurn(
  db: Knex,
  session: { sessionId: string; workflowId: string },
  status = 'running',
): Promise<string> {
  const turnId = randomUUID();
  await db.raw(
    `insert into ai.copilot_turns
       (id, session_id, workflow_id, user_message_id, message_id, message, model, base_graph, working_graph, status)
     values (?, ?, ?, ?, ?, 'hi', 'demo', '{}', '{}', ?)`,
    [turnId, session.sessionId, session.workflowId, randomUUID(), randomUUID(), status],
  );
  return turnId;
}

/** The first event of a turn. */
export function startEvent(turnId: string): { event: 'start'; payload: Record<string, string> } {
  const [session_id, user_message_id, message_id] = [randomUUID(), randomUUID(), randomUUID()];
  return {
    event: 'start',
    payload: { turn_id: turnId, session_id, user_message_id, message_id, model: 'demo' },
  };
}

/** The last event of a turn that said this. */
export function completeEvent(content: string): { event: 'complete'; payload: Record<string, unknown> } {
  return {
    event: 'complete',
    payload: {
      message_id: randomUUID(),
      content,
      workflow_diff: null,
      stop_reason: 'done',
      usage: {
        calls: 1,
        input_tokens: 10,
        cached_tokens: 0,
        output_tokens: 2,
        reasoning_tokens: 0,
        cost_usd: null,
      },
      turn_id: randomUUID(),
    },
  };
}

/** Appends events under the lock of the turn's row, as the worker does. Announces them unless `announce` is false. */
export async function appendEvents(
  db: Knex,
  turnId: string,
  events: { event: string; payload: Record<string, unknown> }[],
  options: { announce?: boolean } = {},
): Promise<void> {
  const last = events.at(-1)?.event;
  const status = last === 'complete' ? 'complete' : last === 'error' ? 'failed' : 'running';
  await db.transaction(async (trx) => {
    await trx.raw(
      `with turn as (
         update ai.copilot_turns set last_seq = last_seq + ?, status = ? where id = ? returning last_seq - ? as base
       )
       insert into ai.copilot_turn_events (turn_id, seq, event, payload)
       select ?, base + n, event, payload
       from turn, unnest(?::text[], ?::text[]) with ordinality as e (event, payload, n)`,
      [
        events.length,
        status,
        turnId,
        events.length,
        turnId,
        events.map(({ event }) => event),
        events.map(({ payload }) => JSON.stringify(payload)),
      ],
    );
    if (options.announce !== false) await trx.raw(`select pg_notify('${TURN_EVENTS_CHANNEL}', ?)`, [turnId]);
  });
}
