/**
 * Times the statements of the purge while the worker's retention runs. The worker reports no such times, so a process of
 * its own purges a few of the expired turns, from the other end of the list. The times hold the round trip. A transaction
 * counts as one statement: it holds its locks until its end.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { createKnex } from '../db/connection/knex.ts';
import { rowsOf } from '../db/connection/sql-rows.ts';
import { purgeTurn } from '../db/turns/purge-turn.ts';
import { cleanEnvironment } from './bench-system.ts';

/** Slow, so that the worker deletes nearly everything. */
const PAUSE_MS = 200;

interface Times {
  /** The milliseconds of each statement. */
  statements: number[];
  turns: number;
}

export interface PurgeSample {
  /** Ends the sample and returns its times. */
  stop(): Promise<Times>;
}

/** Purges one turn after the other until stopped or none is left. */
export function startPurgeSample(databaseUrl: string): PurgeSample {
  const child = fork(import.meta.filename, ['--purge'], { env: cleanEnvironment() });
  child.send(databaseUrl);
  return {
    async stop() {
      const answered = once(child, 'message') as Promise<[Times]>;
      const ended = once(child, 'exit').then(() =>
        Promise.reject(new Error('the sample of the purge ended')),
      );
      child.send('stop');
      const [times] = await Promise.race([answered, ended]);
      child.disconnect();
      return times;
    },
  };
}

async function purge(databaseUrl: string, stopped: AbortSignal): Promise<Times> {
  const times: Times = { statements: [], turns: 0 };
  const db = createKnex({ databaseUrl, applicationName: 'bench', poolMax: 1 });
  while (!stopped.aborted) {
    const [turn] = await rowsOf<{ id: string }>(
      db,
      `select id from ai.copilot_turns where purged_at is null and finished_at < now() - interval '90 days'
       order by finished_at desc, id desc limit 1`,
    );
    if (!turn) break;
    if (await purgeTurn(db, turn.id, async (ms) => void times.statements.push(ms))) times.turns += 1;
    await delay(PAUSE_MS, undefined, { signal: stopped }).catch(() => undefined);
  }
  await db.destroy();
  return times;
}

if (process.argv[2] === '--purge') {
  const stopped = new AbortController();
  process.once('message', (databaseUrl) => {
    const purging = purge(databaseUrl as string, stopped.signal);
    process.once('message', () => {
      stopped.abort();
      void purging.then((times) => process.send!(times));
    });
  });
}
