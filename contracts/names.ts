/**
 * Names that are stored in Temporal histories, in Postgres or in clients. Renaming one is a migration.
 * Only constants, because the workflow sandbox imports this file.
 */

/** The Temporal workflow type of one chat turn. */
export const CHAT_TURN_WORKFLOW = 'chatTurn';

/** The Temporal workflow type of one run of retention. */
export const RETENTION_WORKFLOW = 'retention';

/** Default Temporal task queue. */
export const DEFAULT_TASK_QUEUE = 'copilot';

/** Postgres channel on which the event log announces which turns have new events. */
export const TURN_EVENTS_CHANNEL = 'copilot_turn_events';

/** Custom search attributes of a turn, all of type Keyword. */
export const SEARCH_ATTRIBUTES = {
  session: 'CopilotSession',
  workflow: 'CopilotWorkflow',
  model: 'CopilotModel',
  status: 'CopilotStatus',
} as const;

/** The name under which the service's spans are made. */
export const TRACER = 'workflow-copilot';

/** The header of a workflow and of its activities that carries their trace, as in the Temporal SDKs. */
export const TRACE_HEADER = '_tracer-data';

/** The delta that the stream puts between the texts of two steps. */
export const STEP_SEPARATOR = '\n\n';

/** The versions of the prompt. A turn keeps the version that it began with, also over a release. */
export const PROMPT_VERSIONS = ['v1', 'v2'] as const;
export type PromptVersion = (typeof PROMPT_VERSIONS)[number];

/** The version of new turns, unless COPILOT_PROMPT_VERSION says otherwise. */
export const PROMPT_VERSION: PromptVersion = 'v2';

export const STOP_REASONS = ['done', 'cancelled', 'step_limit', 'loop', 'budget'] as const;
export type StopReason = (typeof STOP_REASONS)[number];
