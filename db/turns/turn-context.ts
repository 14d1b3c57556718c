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
}

/** The context of a turn, in any status. Throws TurnGoneError. */
export async function loadTurnContext(db: Knex, turnId: string): Promise<TurnContext> {
  const rows = await rowsOf<{
    session_id: string;
    workflow_id: string;
    message: string;
    model: string;
    fence_seed: string;
  }>(db, 'select session_id, workflow_id, message, model, fence_seed from ai.copilot_turns where id = ?', [
    turnId,
  ]);
  const row = rows[0];
  if (!row) throw new TurnGoneError(turnId);
  return {
    turnId,
    sessionId: row.session_id,
    workflowId: row.workflow_id,
    message: row.message,
    model: row.model,
    delimiterSeed: row.fence_seed,
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
 * `turnStart` is the graph with which the turn began; null while the working graph is the same. Throws TurnGoneError.
 */
export async function loadWorkingGraph(
  db: Knex,
  turnId: string,
): Promise<{ working: string; aliases: Record<string, string>; turnStart: string | null }> {
  const rows = await rowsOf<{
    working_graph: string;
    block_aliases: Record<string, string>;
    turn_start: string | null;
  }>(
    db,
    `select working_graph, block_aliases, nullif(base_graph, working_graph) as turn_start
     from ai.copilot_turns where id = ?`,
    [turnId],
  );
  const row = rows[0];
  if (!row) throw new TurnGoneError(turnId);
  return { working: row.working_graph, aliases: row.block_aliases, turnStart: row.turn_start };
}

/** The most messages of a session that are searched for what its user typed. */
const MAX_USER_MESSAGES = 50;

/** The newest messages of the user in the session of a turn, newest first. The turn's own message is the first one. */
export async function listUserMessages(db: Knex, turnId: string): Promise<string[]> {
  const rows = await rowsOf<{ content: string }>(
    db,
    `select m.content from ai.copilot_turns t
     join ai.copilot_messages m on m.session_id = t.session_id and m.role = 'user'
     where t.id = ? order by m.created_at desc, m.id limit ${MAX_USER_MESSAGES}`,
    [turnId],
  );
  return rows.map((row) => row.content);
}
