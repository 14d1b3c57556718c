/**
 * Changes of one thing, one after the other. A change that waits for a row keeps its connection meanwhile: without this,
 * many requests for one row that somebody holds would take the whole pool from requests that have nothing to do with it.
 */
import type { Knex } from 'knex';
import { LANES } from '../../runtime/bounds.ts';

/** Thrown when a change did not get its turn in time: nothing was done. Has the code of a lock that was not to be had. */
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
  /** How many changes are under way, of each key and in all. */
  readonly busy: Map<string, number>;
  total: number;
  /** In the order in which they came. */
  readonly waiting: Set<Waiting>;
}

const lanesOf = new WeakMap<Knex, Lanes>();

/**
 * Does work that locks rows of the thing that `key` names. On one pool `width` works of one key are done at once, one unless
 * they only share the rows, and of all keys as many as leave a part of the pool to others. Work must not ask for another
 * lane. Throws LaneBusyError when its turn did not come in time.
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
