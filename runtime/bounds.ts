/**
 * How long anything of this service waits for Postgres, Temporal or a model provider. Every wait on a link is stated
 * here and nowhere else. All values are milliseconds.
 */

/** What bounds the connections of one Postgres pool. */
export interface PostgresBounds {
  /** Until a connection is there: a free one of the pool, or a new one with its handshake. */
  connectMs: number;
  /** `statement_timeout`: the server ends a statement that works for longer. */
  statementMs: number;
  /** `lock_timeout`: the server gives up one wait for a lock. */
  lockMs: number;
  /** `idle_in_transaction_session_timeout`: the server ends a session that holds its locks and says nothing. */
  idleInTransactionMs: number;
  /**
   * Until the answer to a statement, as the client sees it. Longer than `statementMs`, so that a server that is alive
   * always answers first: a connection that is silent for this long is dead, and destroyed.
   */
  answerMs: number;
}

/** Requests, activities and the read side of the event streams. */
export const POSTGRES: PostgresBounds = {
  connectMs: 3_000,
  statementMs: 5_000,
  lockMs: 2_000,
  idleInTransactionMs: 5_000,
  answerMs: 6_000,
};

/** The event log's writer: its statements take a millisecond, and all turns of a worker wait for each of them. */
export const POSTGRES_FLUSH: PostgresBounds = {
  connectMs: 3_000,
  statementMs: 4_000,
  lockMs: 300,
  idleInTransactionMs: 5_000,
  answerMs: 5_000,
};

/** The connection that hears of new events. It is asked for a sign of life when nothing else was heard. */
export const POSTGRES_LISTEN: PostgresBounds & { probeEveryMs: number } = {
  connectMs: 3_000,
  statementMs: 2_000,
  lockMs: 2_000,
  idleInTransactionMs: 5_000,
  answerMs: 3_000,
  probeEveryMs: 3_000,
};

/** Statements whose work grows with what is stored: reports over the ledger, deletes of long sessions. */
export const POSTGRES_LONG = { statementMs: 60_000, answerMs: 65_000 };

/**
 * Changes that requests make to rows which others may hold (db/connection/lanes.ts): how many of a pool's 16 connections
 * they may have at once, and how long one waits for its turn.
 */
export const LANES = { atOnce: 10, waitMs: 5_000 };

/** Migrations, the sample project and tests that make databases. */
export const POSTGRES_MIGRATIONS: PostgresBounds = {
  connectMs: 3_000,
  statementMs: 600_000,
  lockMs: 600_000,
  idleInTransactionMs: 60_000,
  answerMs: 610_000,
};

/**
 * TCP keepalive of Postgres connections, at both ends. The client's side finds a peer that is gone while nothing is
 * asked; the server's side (`userTimeoutMs` is its `tcp_user_timeout`) frees the locks of a client that is gone.
 */
export const TCP = { keepAliveMs: 10_000, probeEveryMs: 5_000, probes: 3, userTimeoutMs: 15_000 };

/** Calls to Temporal and the watch over its links. */
export const TEMPORAL = {
  /** Starts, signals and descriptions on behalf of a request. */
  rpcMs: 3_000,
  /** What a reader is told of a silent turn: it must come while it is of use. */
  queryMs: 1_000,
  connectMs: 5_000,
  /** Between two signs of life of a link, and how long each may take. */
  probeEveryMs: 2_000,
  probeMs: 2_000,
};

/** Model calls (llm/adapters/watchdog.ts). Bytes count, not events. */
export const PROVIDER = {
  /** Until the first byte of the answer, and between two bytes. */
  idleMs: 60_000,
  /** The same for models that think without sending anything. */
  silentIdleMs: 120_000,
  /** The whole call. */
  totalMs: 600_000,
  /** What comes over the wire for one call: a hundred times a long answer with its framing. */
  maxBytes: 64 * 1024 * 1024,
};

/**
 * Readers of a turn whose log is quiet for `silenceMs` (looked for every `tickMs`) are told what is waited for: the
 * database when it takes longer than `databaseMs` to find the turn, else what Temporal says within `TEMPORAL.queryMs`.
 * The sum stays under 5 s.
 */
export const SILENCE = { silenceMs: 2_000, tickMs: 500, databaseMs: 1_200 };

/** What `/readyz` gives Postgres and Temporal to answer, side by side. */
export const READINESS_MS = 2_000;
