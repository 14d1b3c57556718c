/** Reads from a turn's row what its model calls and tool calls need. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';
import { TurnGoneError } from '../fence.ts';

/** What a model call needs of the turn. Only `model` can change during a turn: a fallback model replaces it. */
export interface TurnContext {
  turnId: string;
  sessionId: string;
  workflowId: string;
  message: string;
  model: string;
  /** The random seed of the delimiters around data in the turn's prompts. */
  delimiterSeed: string;
  /** When the turn was created, as performance.now() of this process tells time. */
  createdAt: number;
}

/** The context of a turn, in any status. Throws TurnGoneError. */
export async function loadTurnContext(db: Knex, turnId: string): Promise<TurnContext> {
  const rows = await rowsOf<{
    session_id: string;
    workflow_id: string;
    message: string;
    model: string;
    fence_seed: string;
    age_ms: number;
  }>(
    db,
    `select session_id, workflow_id, message, model, fence_seed,
       extract(epoch from clock_timestamp() - created_at)::float8 * 1000 as age_ms
     from ai.copilot_turns where id = ?`,
    [turnId],
  );
  const row = rows[0];
  if (!row) throw new TurnGoneError(turnId);
  return {
    turnId,
    sessionId: row.session_id,
    workflowId: row.workflow_id,
    message: row.message,
    model: row.model,
    delimiterSeed: row.fence_seed,
    createdAt: performance.now() - row.age_ms,
  };
}

/** The graph with which a turn began, as JSON text. Throws TurnGoneError. */
export async function loadBaseGraph(db: Knex, turnId: string): Promise<string> {
  const rows = await rowsOf<{ base_graph: string }>(
    db,
    'select base_graph from ai.copilot_turns where id = ?',
    [turnId],
  );
  if (!rows[0]) throw new TurnGoneError(turnId);
  return rows[0].base_graph;
}

/**
 * The working graph of a turn, and its aliases: the block ids that the model chose, with the real ids of those blocks.
 * Throws TurnGoneError.
 */
export async function loadWorkingGraph(
  db: Knex,
  turnId: string,
): Promise<{ working: string; aliases: Record<string, string> }> {
  const rows = await rowsOf<{ working_graph: string; block_aliases: Record<string, string> }>(
    db,
    'select working_graph, block_aliases from ai.copilot_turns where id = ?',
    [turnId],
  );
  if (!rows[0]) throw new TurnGoneError(turnId);
  return { working: rows[0].working_graph, aliases: rows[0].block_aliases };
}
