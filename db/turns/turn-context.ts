/** Reads from a turn's row what its model calls and tool calls need. */
import type { Knex } from 'knex';
import { PROMPT_VERSION, PROMPT_VERSIONS, type PromptVersion } from '../../contracts/names.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { TurnGoneError } from '../fence.ts';

/** What a model call needs of the turn. Only `model` can change during a turn: a fallback model replaces it. */
export interface TurnContext {
  turnId: string;
  sessionId: string;
  workflowId: string;
  /** Empty when the workflow is gone. */
  workflowName: string;
  message: string;
  model: string;
  promptVersion: PromptVersion;
  /** The random seed of the delimiters around data in the turn's prompts. */
  delimiterSeed: string;
  createdAt: Date;
  /** When the turn was created, as performance.now() of this process tells time. */
  createdOnClock: number;
}

/** The context of a turn, in any status. Throws TurnGoneError. */
export async function loadTurnContext(db: Knex, turnId: string): Promise<TurnContext> {
  const rows = await rowsOf<{
    session_id: string;
    workflow_id: string;
    workflow_name: string | null;
    message: string;
    model: string;
    prompt_version: string | null;
    fence_seed: string;
    created_at: Date;
    age_ms: number;
  }>(
    db,
    `select t.session_id, t.workflow_id, w.name as workflow_name, t.message, t.model, t.prompt_version, t.fence_seed,
       t.created_at, extract(epoch from clock_timestamp() - t.created_at)::float8 * 1000 as age_ms
     from ai.copilot_turns t left join ai.workflows w on w.id = t.workflow_id where t.id = ?`,
    [turnId],
  );
  const row = rows[0];
  if (!row) throw new TurnGoneError(turnId);
  return {
    turnId,
    sessionId: row.session_id,
    workflowId: row.workflow_id,
    workflowName: row.workflow_name ?? '',
    message: row.message,
    model: row.model,
    promptVersion: toPromptVersion(row.prompt_version),
    delimiterSeed: row.fence_seed,
    createdAt: row.created_at,
    createdOnClock: performance.now() - row.age_ms,
  };
}

/** Releases that knew one version stored none. A version of a later release is read as the newest one of this release. */
function toPromptVersion(stored: string | null): PromptVersion {
  if (stored === null) return 'v1';
  return PROMPT_VERSIONS.find((version) => version === stored) ?? PROMPT_VERSION;
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
