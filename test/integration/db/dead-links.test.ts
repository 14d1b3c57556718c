/**
 * Connections to Postgres that fall silent: each wait has a bound, and nothing is lost or written twice. One file, because
 * the tests run at the same time to share their waits.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { Knex } from 'knex';
import { createEventLog, type EventLog } from '../../../db/events/event-log.ts';
import { createKnex, withLongBound } from '../../../db/connection/knex.ts';
import { isConnectionError, isLockHeld, isTransient, sqlStateOf } from '../../../db/connection/pg-errors.ts';
import { createTurnEventReader, listenForTurnEvents } from '../../../db/events/turn-event-pages.ts';
import { claimWork } from '../../../db/turns/claims.ts';
import type { Fence } from '../../../db/fence.ts';
import { POSTGRES } from '../../../runtime/bounds.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { insertSession, insertTurn } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let direct: Knex;

before(async () => {
  database = await createTestDatabase();
  direct = createKnex({ databaseUrl: database.url, applicationName: 'test' });
});
after(async () => {
  await direct.destroy();
  await database.drop();
});
/** The database behind a proxy of this test's own. */
async function startLink(t: TestContext) {
  const url = new URL(database.url);
  const proxy = await startFaultProxy({ host: url.hostname, port: Number(url.port) });
  t.after(() => proxy.close());
  url.host = proxy.address;
  return { proxy, proxied: url.href };
}

async function secondsOf(work: Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work;
  return (performance.now() - from) / 1_000;
}

/** Repeats, as Temporal does, what fails because the database is away. */
async function untilDone<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error: unknown) {
      assert.ok(isTransient(error), String(error));
      await delay(100);
    }
  }
}

// Each has its own proxy, and most of their time is waiting.
describe('links to Postgres', { concurrency: true }, () => {
  test('16 connections that all fall silent, half of them in a transaction: within 10 s everything works again', async (t) => {
    const { proxy, proxied } = await startLink(t);
    const db = createKnex({ databaseUrl: proxied, applicationName: 'test-links' });
    const ask = (n: number): Promise<unknown> =>
      n % 2 === 0
        ? (async () => db.raw('select pg_sleep(0.05)'))()
        : db.transaction(async (trx) => {
            await trx.raw('select pg_sleep(0.05)');
            await trx.raw('select pg_sleep(0.05)');
          });
    try {
      await Promise.all(Array.from({ length: 16 }, (_, n) => ask(n)));
      assert.equal(proxy.open(), 16);
      const working = Array.from({ length: 16 }, (_, n) => untilDone(() => ask(n)));
      await delay(20);
      proxy.abandon();
      const took = await secondsOf(Promise.all([...working, untilDone(() => ask(0))]));
      assert.ok(took < 10, `${took} s`);
      // Every place in the pool is free again.
      await Promise.all(Array.from({ length: 16 }, () => (async () => db.raw('select pg_sleep(0.2)'))()));
      assert.ok(proxy.open() <= 16);
    } finally {
      await db.destroy();
    }
  });

  test('idle connections that were cut cost one wait, not one each', async (t) => {
    const { proxy, proxied } = await startLink(t);
    const db = createKnex({ databaseUrl: proxied, applicationName: 'test-links', poolMax: 8 });
    try {
      await Promise.all(Array.from({ length: 8 }, () => (async () => db.raw('select pg_sleep(0.1)'))()));
      proxy.abandon();
      const took = await secondsOf(untilDone(async () => db.raw('select 1')));
      assert.ok(took >= POSTGRES.answerMs / 1_000 - 0.1 && took < 10, `${took} s`);
      for (let n = 0; n < 8; n += 1) assert.ok((await secondsOf((async () => db.raw('select 1'))())) < 2);
    } finally {
      await db.destroy();
    }
  });

  test('a transaction whose connection dies between two statements rejects with what happened, and lets go', async (t) => {
    const { proxy, proxied } = await startLink(t);
    const db = createKnex({ databaseUrl: proxied, applicationName: 'test-links', poolMax: 1 });
    try {
      const took = await secondsOf(
        assert.rejects(
          db.transaction(async (trx) => {
            await trx.raw('select 1');
            proxy.abandon();
            await trx.raw('select 2');
          }),
          (error) => isConnectionError(error),
        ),
      );
      assert.ok(took < 10, `${took} s`);
      await db.raw('select 1');
    } finally {
      await db.destroy();
    }
  });

  test('a pool whose connections do not answer is closed within seconds', async (t) => {
    const { proxy, proxied } = await startLink(t);
    const db = createKnex({ databaseUrl: proxied, applicationName: 'test-links', poolMax: 2 });
    await db.raw('select 1');
    proxy.abandon();
    const asked = assert.rejects((async () => db.raw('select 1'))(), (error) => isConnectionError(error));
    await delay(20);
    assert.ok((await secondsOf(db.destroy())) < 4);
    await asked;
  });

  test('locks and open transactions are bounded by the server; what takes long has a bound of its own', async () => {
    const db = createKnex({
      databaseUrl: database.url,
      applicationName: 'test-links',
      poolMax: 2,
      bounds: { ...POSTGRES, statementMs: 600, lockMs: 200, idleInTransactionMs: 400, answerMs: 900 },
    });
    const session = await insertSession(direct);
    const turnId = await insertTurn(direct, session);
    try {
      await assert.rejects(
        (async () => db.raw('select pg_sleep(2)'))(),
        (error) => sqlStateOf(error) === '57014' && isTransient(error) && !isConnectionError(error),
      );
      await withLongBound(db, (trx) => trx.raw('select pg_sleep(1)'));
      await direct.transaction(async (holder) => {
        await holder.raw('select 1 from ai.copilot_turns where id = ? for update', [turnId]);
        await assert.rejects(
          (async () => db.raw('update ai.copilot_turns set steps = 1 where id = ?', [turnId]))(),
          isLockHeld,
        );
      });
      await assert.rejects(
        db.transaction(async (trx) => {
          await trx.raw('select 1');
          await delay(1_000);
          await trx.raw('select 1');
        }),
        (error) => isConnectionError(error),
      );
      await db.raw('select 1');
    } finally {
      await db.destroy();
    }
  });

  async function claimed(): Promise<Fence> {
    const turnId = await insertTurn(direct, await insertSession(direct));
    const { fence } = await claimWork(direct, {
      turnId,
      key: 'step:2',
      step: 2,
      onFirst: [],
      holder: randomUUID(),
      over: null,
      textBefore: async () => '',
    });
    return fence;
  }

  async function deltasOf({ turnId }: Fence): Promise<string> {
    const { rows } = await direct.raw<{ rows: { seq: string; delta: string }[] }>(
      `select seq, payload::json ->> 'delta' as delta from ai.copilot_turn_events where turn_id = ? order by seq`,
      [turnId],
    );
    assert.deepEqual(
      rows.map(({ seq }) => Number(seq)),
      rows.map((_, index) => index + 1),
    );
    return rows.map(({ delta }) => delta).join('');
  }

  const delta = (n: number) => [{ event: 'content_delta' as const, step: 2, delta: `${n} ` }];

  async function withLog(proxied: string, work: (log: EventLog) => Promise<void>): Promise<void> {
    const log = createEventLog({ databaseUrl: proxied, onError: () => undefined });
    try {
      await work(log);
    } finally {
      await log.close();
    }
  }

  test("the event log's connection falls silent for good: within 10 s its events are there, each once", async (t) => {
    const { proxy, proxied } = await startLink(t);
    await withLog(proxied, async (log) => {
      const fences = [await claimed(), await claimed(), await claimed()];
      const streams = fences.map((fence) => log.open(fence));
      await Promise.all(streams.map((stream) => stream.append(delta(0))));
      proxy.abandon();
      const took = await secondsOf(
        Promise.all(
          streams.map(async (stream) => {
            for (let n = 1; n <= 20; n += 1) {
              void stream.append(delta(n)).catch(() => undefined);
              await delay(20);
            }
            await stream.drain();
          }),
        ),
      );
      assert.ok(took < 10, `${took} s`);
      const text = Array.from({ length: 21 }, (_, n) => `${n} `).join('');
      for (const fence of fences) assert.equal(await deltasOf(fence), text);
    });
  });

  test("the answers of the event log's flushes are lost one way: nothing is written twice", async (t) => {
    const { proxy, proxied } = await startLink(t);
    await withLog(proxied, async (log) => {
      const fence = await claimed();
      const stream = log.open(fence);
      await stream.append(delta(0));
      proxy.inject({ kind: 'blackHole', way: 'toClient' });
      const appended = stream.append(delta(1));
      await delay(200);
      // The server has written it, and nobody knows.
      assert.equal(await deltasOf(fence), '0 1 ');
      proxy.abandon();
      proxy.heal();
      void stream.append(delta(2)).catch(() => undefined);
      await appended;
      await stream.drain();
      assert.equal(await deltasOf(fence), '0 1 2 ');
    });
  });

  for (const [what, lock] of [
    ["a turn's row", 'select 1 from ai.copilot_turns where id = ? for update'],
    ["a turn's claim", 'select 1 from ai.copilot_turn_claims where turn_id = ? for update'],
  ] as const) {
    test(`${what} is held for long: the other turns' events flow, and its own come after, in order`, async (t) => {
      const { proxied } = await startLink(t);
      await withLog(proxied, async (log) => {
        const held = await claimed();
        const others = [await claimed(), await claimed()];
        const streams = new Map([held, ...others].map((fence) => [fence, log.open(fence)]));
        await Promise.all([...streams.values()].map((stream) => stream.append(delta(0))));
        let drained = false;
        const waiting: Promise<void>[] = [];
        await direct.transaction(async (holder) => {
          await holder.raw(lock, [held.turnId]);
          for (let n = 1; n <= 60; n += 1) {
            for (const stream of streams.values()) void stream.append(delta(n)).catch(() => undefined);
            await delay(10);
          }
          waiting.push(
            streams
              .get(held)!
              .drain()
              .then(() => void (drained = true)),
          );
          const took = await secondsOf(Promise.all(others.map((fence) => streams.get(fence)!.drain())));
          assert.ok(took < 2, `${took} s`);
          const { rows } = await holder.raw<{ rows: unknown[] }>(
            'select 1 from pg_stat_activity where pg_backend_pid() = any (pg_blocking_pids(pid))',
          );
          assert.equal(rows.length, 0, 'nothing waits in the database for the lock');
          const later = others.map((fence) => streams.get(fence)!.append(delta(61)));
          assert.ok((await secondsOf(Promise.all(later))) < 1);
          assert.equal(drained, false);
        });
        void streams
          .get(held)!
          .append(delta(61))
          .catch(() => undefined);
        await Promise.all(waiting);
        await streams.get(held)!.drain();
        const text = Array.from({ length: 62 }, (_, n) => `${n} `).join('');
        for (const fence of streams.keys()) assert.equal(await deltasOf(fence), text);
      });
    });
  }

  test('events that one turn may not write are the fault of that turn alone', async (t) => {
    const { proxied } = await startLink(t);
    await withLog(proxied, async (log) => {
      const [good, bad] = [await claimed(), await claimed()];
      const [rightly, wrongly] = [log.open(good), log.open({ ...bad, turnId: 'no uuid' })];
      await rightly.append(delta(0));
      const [right, wrong] = await Promise.allSettled([rightly.append(delta(1)), wrongly.append(delta(1))]);
      assert.equal(right.status, 'fulfilled');
      assert.equal(wrong.status, 'rejected');
      await rightly.append(delta(2));
      assert.equal(await deltasOf(good), '0 1 2 ');
    });
  });

  test('the listening connection and those that read pages fall silent for good: both are replaced within 10 s', async (t) => {
    const { proxy, proxied } = await startLink(t);
    const heard: string[] = [];
    let connections = 0;
    const listener = listenForTurnEvents({
      databaseUrl: proxied,
      onTurns: (ids) => void heard.push(...ids),
      onConnected: () => void (connections += 1),
      onLost: () => undefined,
    });
    const reader = createTurnEventReader({ databaseUrl: proxied, connections: 2, onError: () => undefined });
    const turnId = await insertTurn(direct, await insertSession(direct));
    const until = async (condition: () => boolean): Promise<void> => {
      for (const limit = performance.now() + 10_000; !condition(); await delay(20))
        assert.ok(performance.now() < limit);
    };
    try {
      await until(() => connections === 1);
      await reader.readPages([{ turnId, after: 0 }], 1_000);
      proxy.abandon();
      const read = secondsOf(untilDone(() => reader.readPages([{ turnId, after: 0 }], 1_000)));
      await until(() => connections === 2);
      await direct.raw(`select pg_notify('copilot_turn_events', ?)`, [turnId]);
      await until(() => heard.includes(turnId));
      assert.ok((await read) < 10);
    } finally {
      await listener.close();
      await reader.close();
    }
  });

  test('a database that accepts connections and says nothing is given up within the bound', async (t) => {
    const { proxy, proxied } = await startLink(t);
    proxy.inject({ kind: 'blackHole', way: 'both' });
    const db = createKnex({ databaseUrl: proxied, applicationName: randomUUID(), poolMax: 1 });
    const took = await secondsOf(
      assert.rejects((async () => db.raw('select 1'))(), (error) => isConnectionError(error)),
    );
    assert.ok(took < POSTGRES.connectMs / 1_000 + 2, `${took} s`);
    await db.destroy();
  });
});
