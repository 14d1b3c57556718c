/**
 * Queues changes to the same rows in memory, before they take a connection. A statement that waits for a row lock keeps
 * its connection. Without lanes, many requests for one locked row would take the whole pool from all other requests.
 */
import type { Knex } from 'knex';
import { LANES } from '../../runtime/bounds.ts';

/** Thrown when a change waited too long in its lane. Nothing was done. The code is Postgres' lock_not_available. */
export class LaneBusyError extends Error {
  readonly code = '55P03';

  constructor(key: string) {
    super(`other changes of ${key} took too long`);
    this.name = 'LaneBusyError';
  }
}

interface Waiting {
  key: string;
  width: number;
  begin: () => void;
}

interface Lanes {
  /** How many changes run now, by key. */
  readonly busy: Map<string, number>;
  /** How many changes run now, over all keys. */
  total: number;
  /** In order of arrival. */
  readonly waiting: Set<Waiting>;
}

const lanesOf = new WeakMap<Knex, Lanes>();

/**
 * Runs `work`, which locks the rows that `key` names. On one pool, at most `width` works of a key and LANES.atOnce works
 * of all keys run at once. A `width` above 1 is for works that do not block each other. `work` must not enter another
 * lane: the two could wait for each other. Throws LaneBusyError after LANES.waitMs in the queue.
 */
export async function inLane<T>(db: Knex, key: string, work: () => Promise<T>, width = 1): Promise<T> {
  let lanes = lanesOf.get(db);
  if (!lanes) lanesOf.set(db, (lanes = { busy: new Map(), total: 0, waiting: new Set() }));
  await turnOf(lanes, key, width);
  try {
    return await work();
  } finally {
    const left = lanes.busy.get(key)! - 1;
    if (left === 0) lanes.busy.delete(key);
    else lanes.busy.set(key, left);
    lanes.total -= 1;
    beginNext(lanes);
  }
}

function turnOf(lanes: Lanes, key: string, width: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry: Waiting = {
      key,
      width,
      begin() {
        clearTimeout(timer);
        resolve();
      },
    };
    const timer = setTimeout(() => {
      lanes.waiting.delete(entry);
      reject(new LaneBusyError(key));
    }, LANES.waitMs);
    lanes.waiting.add(entry);
    beginNext(lanes);
  });
}

function beginNext(lanes: Lanes): void {
  const { busy, waiting } = lanes;
  for (const entry of waiting) {
    if (lanes.total >= LANES.atOnce) return;
    const count = busy.get(entry.key) ?? 0;
    if (count >= entry.width) continue;
    waiting.delete(entry);
    busy.set(entry.key, count + 1);
    lanes.total += 1;
    entry.begin();
  }
}
