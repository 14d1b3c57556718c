/** The functions of retention for its activity, with the database as a fixed argument. */
import type { Knex } from 'knex';
import { isTransient } from './connection/pg-errors.ts';
import type { WithoutDb } from './connection/without-db.ts';
import { deleteIdleSession, findUnpurgedTurn, listIdleSessions } from './sessions/idle-sessions.ts';
import { listExpiredTurns, purgeTurn } from './turns/purge-turn.ts';

export interface RetentionStore {
  listExpiredTurns: WithoutDb<typeof listExpiredTurns>;
  purgeTurn: WithoutDb<typeof purgeTurn>;
  listIdleSessions: WithoutDb<typeof listIdleSessions>;
  findUnpurgedTurn: WithoutDb<typeof findUnpurgedTurn>;
  deleteIdleSession: WithoutDb<typeof deleteIdleSession>;
  /** Whether the same statement may succeed later: see db/connection/pg-errors.ts. */
  isTransient: (error: unknown) => boolean;
}

/** Creates the store of a database. */
export function createRetentionStore(db: Knex): RetentionStore {
  return {
    listExpiredTurns: (input) => listExpiredTurns(db, input),
    purgeTurn: (turnId, afterStatement) => purgeTurn(db, turnId, afterStatement),
    listIdleSessions: (input) => listIdleSessions(db, input),
    findUnpurgedTurn: (input) => findUnpurgedTurn(db, input),
    deleteIdleSession: (input) => deleteIdleSession(db, input),
    isTransient,
  };
}
