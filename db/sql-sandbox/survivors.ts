/**
 * Watches for survivors: backends that go on after their cancel. A survivor can't be stopped and uses a whole core, so no
 * query runs while one is alive.
 */
import pg from 'pg';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../runtime/logger.ts';
import type { Backend } from './run-query.ts';
import { survivorRefusal } from './unavailable.ts';

/** A backend that reacts to its cancel is gone within this time. */
const GRACE_MS = 1_000;
const LOOK_EVERY_MS = 100;
const LOOK_AGAIN_MS = 1_000;

export interface SurvivorWatch {
  /** Watches a backend that got a cancel, until it no longer runs a query. */
  watch: (backend: Backend) => void;
  /** Throws SqlRefusal while a survivor is alive. First waits until each watched backend is gone or is a survivor. */
  check(): Promise<void>;
  counts: () => { total: number; alive: number };
}

/** `databaseUrl` is a login of the same role: a role may see the state of its own backends. */
export function createSurvivorWatch(options: { databaseUrl: string; logger: Logger }): SurvivorWatch {
  const { databaseUrl, logger } = options;
  const undecided = new Set<Promise<void>>();
  let total = 0;
  let alive = 0;

  const follow = async (backend: Backend): Promise<void> => {
    total += 1;
    alive += 1;
    logger.error(
      { pid: backend.pid, survivors: alive },
      'a query of the model goes on after its cancel; SQL is off until its backend is gone',
    );
    // Null means that the database did not answer, so it is asked again.
    while ((await isAtWork(databaseUrl, backend)) !== false)
      await delay(LOOK_AGAIN_MS, undefined, { ref: false });
    alive -= 1;
    logger.warn({ pid: backend.pid, survivors: alive }, 'the backend that went on after its cancel is gone');
  };

  const decide = async (backend: Backend): Promise<void> => {
    const until = performance.now() + GRACE_MS;
    for (;;) {
      if ((await isAtWork(databaseUrl, backend)) === false) return;
      if (performance.now() > until) break;
      await delay(LOOK_EVERY_MS, undefined, { ref: false });
    }
    void follow(backend);
  };

  return {
    watch(backend) {
      const decided = decide(backend).finally(() => undecided.delete(decided));
      undecided.add(decided);
    },
    async check() {
      await Promise.all(undecided);
      if (alive > 0) throw survivorRefusal();
    },
    counts: () => ({ total, alive }),
  };
}

/** Whether the backend still runs a query; null when the database does not answer. */
async function isAtWork(databaseUrl: string, { pid, startedAt }: Backend): Promise<boolean | null> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'copilot-sql-watch',
    connectionTimeoutMillis: 1_000,
    query_timeout: 1_000,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rowCount } = await client.query(
      `select 1 from pg_catalog.pg_stat_activity where pid = $1 and backend_start = $2::timestamptz and state = 'active'`,
      [pid, startedAt],
    );
    return (rowCount ?? 0) > 0;
  } catch {
    return null;
  } finally {
    client.end().catch(() => undefined);
  }
}
