/**
 * How long the service waits for Postgres, Temporal or a model provider. Names that end in Ms are milliseconds. Only the SQL
 * sandbox, the migration locks and the check of the Temporal namespace state bounds of their own.
 */

/** The bounds of the connections of a Postgres pool. */
export interface PostgresBounds {
  /** How long to wait for a connection: for a free one of the pool, or for a new one with its handshake. */
  connectMs: number;
  /** `statement_timeout`: the server cancels a statement that runs for longer. */
  statementMs: number;
  /** `lock_timeout`: the server cancels a statement that waits for one lock for longer. */
  lockMs: number;
  /** `idle_in_transaction_session_timeout`: the server ends a session that is idle in a transaction for longer. */
  idleInTransactionMs: number;
  /**
   * How long the client waits for the answer to a statement. It is longer than `statementMs`, so a live server always
   * answers first. A connection that is silent for this long is dead and is destroyed.
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

/** The event log's writer. A statement takes a millisecond, and all turns of a worker wait for it. */
export const POSTGRES_FLUSH: PostgresBounds = {
  connectMs: 3_000,
  statementMs: 4_000,
  lockMs: 300,
  idleInTransactionMs: 5_000,
  answerMs: 5_000,
};

/** The LISTEN connection of the event log. It is probed every `probeEveryMs`. */
export const POSTGRES_LISTEN: PostgresBounds & { probeEveryMs: number } = {
  connectMs: 3_000,
  statementMs: 2_000,
  lockMs: 2_000,
  idleInTransactionMs: 5_000,
  answerMs: 3_000,
  probeEveryMs: 3_000,
};

/** Statements whose time grows with the stored data: usage reports, deletions of long sessions. */
export const POSTGRES_LONG = { statementMs: 60_000, answerMs: 65_000 };

/**
 * Changes that requests make to rows which other transactions may lock (db/connection/lanes.ts): how many of a pool's 16
 * connections they may use at once, and how long a change waits in its lane.
 */
export const LANES = { atOnce: 10, waitMs: 5_000 };

/** Migrations, the sample project, and tests that create databases. */
export const POSTGRES_MIGRATIONS: PostgresBounds = {
  connectMs: 3_000,
  statementMs: 600_000,
  lockMs: 600_000,
  idleInTransactionMs: 60_000,
  answerMs: 610_000,
};

/**
 * TCP keepalive of Postgres connections, at both ends. At the client it finds a dead server while no query runs. At the
 * server it ends the session of a dead client and so frees its locks. `userTimeoutMs` is the server's `tcp_user_timeout`.
 */
export const TCP = { keepAliveMs: 10_000, probeEveryMs: 5_000, probes: 3, userTimeoutMs: 15_000 };

/** Calls to Temporal, and the probes of its links. */
export const TEMPORAL = {
  /** Starts, signals and descriptions of workflows for a request. */
  rpcMs: 3_000,
  /** The query of a silent turn's progress. It is short, because its answer is only a status line for readers. */
  queryMs: 1_000,
  connectMs: 5_000,
  /** The pause between two probes of a link, and how long each may take. */
  probeEveryMs: 2_000,
  probeMs: 2_000,
};

/** Model calls (llm/adapters/watchdog.ts). Any byte ends a silence, not only a whole event. */
export const PROVIDER = {
  /** How long the provider may send nothing: before the first byte, and between two bytes. */
  idleMs: 60_000,
  /** The same for models that think without sending anything. */
  silentIdleMs: 120_000,
  /** The whole call. */
  totalMs: 600_000,
  /** The most bytes that a provider may send for one call: a hundred times a long answer with its framing. */
  maxBytes: 64 * 1024 * 1024,
};

/**
 * When a turn's log is silent for `silenceMs` (checked every `tickMs`), its readers get a status line. The line names the
 * database when the turn is not read within `databaseMs`, else what Temporal answers within `TEMPORAL.queryMs`. The sum is
 * under 5 s.
 */
export const SILENCE = { silenceMs: 2_000, tickMs: 500, databaseMs: 1_200 };

/** How long `/metrics` waits for Postgres. After that, the page shows the last known figures of the service. */
export const METRICS_READ_MS = 2_000;

/** How long `/readyz` waits for Postgres and Temporal, which it asks in parallel. */
export const READINESS_MS = 2_000;
