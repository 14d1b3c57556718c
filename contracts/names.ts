/**
 * Names that are stored in Temporal histories, in Postgres or in clients. Renaming one is a migration.
 * Bare constants only: the workflow sandbox imports this file.
 */

/** The Temporal workflow type of one chat turn. */
export const CHAT_TURN_WORKFLOW = 'chatTurn';

/** Default Temporal task queue. */
export const DEFAULT_TASK_QUEUE = 'copilot';

/** Schema of the platform's tables and of ours. */
export const PLATFORM_SCHEMA = 'ai';

/** Postgres channel on which the event log announces which turns have new events. */
export const TURN_EVENTS_CHANNEL = 'copilot_turn_events';

/** Custom search attributes of a turn, all of type Keyword. */
export const SEARCH_ATTRIBUTES = {
  session: 'CopilotSession',
  workflow: 'CopilotWorkflow',
  model: 'CopilotModel',
  status: 'CopilotStatus',
} as const;

/** Model calls of a turn at most; the last one is made with tool_choice none. */
export const MAX_STEPS = 25;

/** What the stream puts between the texts of two steps: a delta of its own. */
export const STEP_SEPARATOR = '\n\n';

/** How often an answer is asked to go on: after a cut at the output limit, after no word at all. */
export const MAX_CONTINUATIONS = { cut: 3, empty: 1 } as const;

/** The same call with the same arguments and the same result this many times in a row ends the turn as `loop`. */
export const LOOP_LIMIT = 3;

/** What a turn may spend in model calls, in milliseconds; beyond it ends with stop_reason `budget`. */
export const MAX_MODEL_MS = 20 * 60_000;

export const TOOL_NAMES = [
  'modify_workflow',
  'get_block_info',
  'get_db_schema',
  'list_project_assets',
  'get_asset_details',
  'execute_public_sql',
  'get_workflow_run_logs',
  'manage_project_asset',
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

/** Tools whose effects depend on order; all others of a step run in parallel. */
export const WRITING_TOOLS: readonly string[] = ['modify_workflow', 'manage_project_asset'];

/** Tools whose every call waits for the user's confirmation. */
export const CONFIRMED_TOOLS: readonly string[] = ['manage_project_asset'];

/** Tool calls of a turn at most; an answer that asks for more ends the turn with stop_reason `budget`. */
export const MAX_TOOL_CALLS = 60;

/** Calls of execute_public_sql that a turn may make; further ones are refused. */
export const MAX_SQL_CALLS = 8;

export const STOP_REASONS = ['done', 'cancelled', 'step_limit', 'loop', 'budget'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

export const ERROR_CODES = [
  'model_auth',
  'model_quota',
  'model_rate_limited',
  'model_refused',
  'model_unavailable',
  'model_bad_response',
  'context_overflow',
  'workflow_gone',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Failures of a model after which another one may do better. */
export const FALLBACK_CODES: readonly ErrorCode[] = [
  'model_auth',
  'model_quota',
  'model_rate_limited',
  'model_unavailable',
  'model_bad_response',
];

/** The id of the Temporal workflow that runs a session's turn: Temporal allows one open run per id. */
export function turnWorkflowId(sessionId: string): string {
  return `copilot-session-${sessionId}`;
}
