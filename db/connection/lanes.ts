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
  begin: () => void;
}

interface Lanes {
  /** The keys whose change is under way. */
  readonly busy: Set<string>;
  /** In the order in which they came. */
  readonly waiting: Set<Waiting>;
}

const lanesOf = new WeakMap<Knex, Lanes>();

/**
 * Does work that locks rows of the thing that `key` names. On one pool it is done for one key at a time, and for a part of
 * the pool's connections at once, so that the others stay free. Work must not ask for another lane.
 * Throws LaneBusyError when its turn did not come in time.
 */
export async function inLane<T>(db: Knex, key: string, work: () => Promise<T>): Promise<T> {
  let lanes = lanesOf.get(db);
  if (!lanes) lanesOf.set(db, (lanes = { busy: new Set(), waiting: new Set() }));
  await turnOf(lanes, key);
  try {
    return await work();
  } finally {
    lanes.busy.delete(key);
    beginNext(lanes);
  }
}

function turnOf(lanes: Lanes, key: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const entry: Waiting = {
      key,
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

function beginNext({ busy, waiting }: Lanes): void {
  for (const entry of waiting) {
    if (busy.size >= LANES.atOnce) return;
    if (busy.has(entry.key)) continue;
    waiting.delete(entry);
    busy.add(entry.key);
    entry.begin();
  }
}
