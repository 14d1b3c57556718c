/** What retention costs the turns that stream meanwhile, how long it holds a lock, and what it leaves of the tables. */
import { Connection, ScheduleClient } from '@temporalio/client';
import type { Knex } from 'knex';
import { DEFAULT_TASK_QUEUE } from '../contracts/names.ts';
import { createKnex } from '../db/connection/knex.ts';
import { POSTGRES_MIGRATIONS } from '../runtime/bounds.ts';
import { retentionScheduleId } from '../worker/retention-schedule.ts';
import { type BenchSystem, startBenchSystem } from './bench-system.ts';
import { chatWithProduct, makeSessions } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { countExpired, EVENTS_OF_A_TURN, insertOldTurns, sizeOf, untilVacuumed } from './old-events.ts';
import { startPurgeSample } from './purge-sample.ts';
import { percentile, printTable, round } from './stats.ts';

const EVENTS = 1_000_000;
/** Old turns are inserted in sessions of a hundred. */
const EVENTS_OF_A_SESSION = 100 * EVENTS_OF_A_TURN;
/** 50 tokens a second for six seconds. */
const LONG: Answer = { pieces: 300, pieceMs: 20, toolSteps: 0 };
const AT_ONCE = 25;
const QUIET_ROUNDS = 4;
const SHARES = [0.5, 0.9, 0.99];

/** `size` is the number of events, a million without it. */
export async function benchRetention(size = EVENTS): Promise<void> {
  const sessions = Math.max(1, Math.round(size / EVENTS_OF_A_SESSION));
  // The benchmark starts the runs of retention itself.
  const system = await startBenchSystem({ COPILOT_RETENTION_EVERY: '365 days', LOG_LEVEL: 'error' });
  const db = createKnex({
    databaseUrl: system.ready.database_url,
    applicationName: 'bench',
    poolMax: 3,
    bounds: POSTGRES_MIGRATIONS,
  });
  try {
    await measure(system, db, sessions);
  } finally {
    await db.destroy();
    await system.stop();
  }
}

async function measure(system: BenchSystem, db: Knex, sessions: number): Promise<void> {
  const events = sessions * EVENTS_OF_A_SESSION;
  const sizes = [await sizeOf(db, 'new')];
  await insertOldTurns(db, system.ready.workflow_id, sessions);
  sizes.push(await sizeOf(db, `with ${events} old events`));
  await crowd(system); // warming up
  const before = await quiet(system);

  const sample = startPurgeSample(system.ready.database_url);
  const startedAt = performance.now();
  const busy: number[] = [];
  for (let left = await countExpired(db); left > 0; ) {
    // A run ends after ten minutes. While one goes on, the schedule skips the next.
    await triggerRun(system);
    const pieces = await crowd(system);
    left = await countExpired(db);
    // A round that outlived the deletion is left out, unless it is the only one.
    if (left > 0 || busy.length === 0) busy.push(...pieces);
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { statements, turns } = await sample.stop();
  sizes.push(await sizeOf(db, 'after the deletion'));
  const vacuum = await untilVacuumed(db, events);
  sizes.push(await sizeOf(db, `after ${vacuum}`));
  const after = await quiet(system);
  await insertOldTurns(db, system.ready.workflow_id, sessions);
  sizes.push(await sizeOf(db, `with ${events} old events again`));

  printTable(
    `Model server to reader, per piece (ms), ${AT_ONCE} turns of 50 a second`,
    ['', 'pieces', 'p50', 'p90', 'p99'],
    [
      row('before the deletion', before),
      row(`while ${events} events are deleted`, busy),
      row('after the deletion', after),
    ],
  );
  console.log(
    `\nDeleted in ${Math.round(seconds)} s: ${Math.round(events / seconds)} events a second, while ${AT_ONCE} turns stream.`,
  );
  printTable(
    `Statements and transactions of the purge (ms), of ${turns} turns during the deletion`,
    ['statements', 'p50', 'p99', 'longest', 'target'],
    [
      [
        statements.length,
        round(percentile(statements, 0.5)),
        round(percentile(statements, 0.99)),
        round(Math.max(...statements)),
        '50',
      ],
    ],
  );
  printTable('ai.copilot_turn_events', ['', 'rows', 'table', 'indexes', 'dead rows'], sizes);
}

function row(when: string, pieces: number[]): (string | number)[] {
  return [when, pieces.length, ...SHARES.map((share) => round(percentile(pieces, share)))];
}

async function quiet(system: BenchSystem): Promise<number[]> {
  const pieces: number[] = [];
  for (let n = 0; n < QUIET_ROUNDS; n += 1) pieces.push(...(await crowd(system)));
  return pieces;
}

/** How long each piece of 25 turns took to its reader. */
async function crowd(system: BenchSystem): Promise<number[]> {
  const sessions = await makeSessions(system.ready, AT_ONCE);
  const readings = await Promise.all(sessions.map((id) => chatWithProduct(system.ready, id, LONG)));
  // The first second is the start of 25 turns.
  return readings.flatMap((reading) => reading.deltaMs.slice(50));
}

async function triggerRun({ ready }: BenchSystem): Promise<void> {
  const connection = await Connection.connect({ address: ready.temporal_address });
  try {
    await new ScheduleClient({ connection }).getHandle(retentionScheduleId(DEFAULT_TASK_QUEUE)).trigger();
  } finally {
    await connection.close();
  }
}
