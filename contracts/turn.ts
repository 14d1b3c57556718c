/**
 * The data that API, workflow and activities exchange. Temporal stores all of it in the history, so it has only ids and
 * small facts, never a message, a graph, a prompt or a result.
 */
import type { ErrorCode } from './errors.ts';
import type { StopReason } from './names.ts';
import type { ToolTraits } from './tools.ts';

export interface ChatTurnInput {
  turnId: string;
  sessionId: string;
  /** The customer's workflow (graph) that the session belongs to. */
  workflowId: string;
  model: string;
  /** The model that makes the turn's calls after its own model has failed. */
  fallbackModel?: string;
  /** True when the server knows our search attributes; upserting unknown ones would block the workflow task. */
  searchAttributes: boolean;
}

export interface ChatTurnResult {
  status: TurnEndStatus;
  stopReason: StopReason | null;
  steps: number;
}

export type TurnStatus = 'starting' | 'running' | TurnEndStatus;
export type TurnEndStatus = 'complete' | 'cancelled' | 'failed';

export interface CallModelInput {
  turnId: string;
  step: number;
  /** True on the last step: the model sees the tools but may not call them. */
  toolsOff: boolean;
  /** The model of this call; absent for the turn's own model. */
  model?: string;
  /** Set after the session's history was summarized, or its summary failed. A request that is still too long is cut. */
  summarized?: boolean;
  /** Set after the provider has refused a request as too long. The messages are then halved. */
  squeeze?: boolean;
}

/** One call that the model asked for. The arguments stay in the transcript; the loop guard needs only their hash. */
export interface ToolCallRef {
  callId: string;
  name: string;
  argumentsHash: string;
  /** For operators, such as `modify_workflow: +2 blocks, +1 edge`. */
  preview: string;
  /** Absent when the tool does not exist, and in answers of releases without this field. */
  traits?: ToolTraits;
}

/** An answer that does not end the turn: cut at the output limit, or empty when the turn has said nothing yet. */
export type Unfinished = 'cut' | 'empty';

export interface CallModelResult {
  /**
   * Set when the conversation is too long for the model and must be summarized first: `counted` by us, before the call
   * was made, or `refused` by the provider.
   */
  tooLong?: 'counted' | 'refused';
  /** How long the call took. */
  latencyMs?: number;
  finish: 'stop' | 'tool_calls' | 'length' | 'refusal';
  /** Set on an answer without calls after which the model is asked again. */
  unfinished?: Unfinished;
  /** Whether the answer has text. */
  hasText?: boolean;
  /** Set when a budget is used up and the turn would go on: the turn ends after this step. */
  budgetSpent?: true;
  toolCalls: ToolCallRef[];
  inputTokens: number;
  outputTokens: number;
  /** For operators: the length of the text, or the names of the calls. */
  preview: string;
}

export type SummarizeHistoryInput = Pick<CallModelInput, 'turnId' | 'step' | 'model'>;

export interface RunToolInput {
  turnId: string;
  step: number;
  callId: string;
  name: string;
}

export interface RunToolResult {
  isError: boolean;
  /** For the loop guard: equal for equal results. */
  resultHash?: string;
  /** For operators, such as `modify_workflow: +2 blocks, +1 edge`. */
  preview: string;
}

export interface AskConfirmationResult {
  /** Null when no answer is awaited: the call was refused, or is already settled. */
  wait: { expiresAt: string; ms: number } | null;
}

export interface SettleConfirmationInput extends RunToolInput {
  /** Why the wait ended. An earlier decision always stands. */
  wakeUp: 'decided' | 'expired' | 'cancelled';
}

export interface FinishTurnInput {
  turnId: string;
  steps: number;
  outcome: { kind: 'complete'; stopReason: StopReason } | { kind: 'error'; code: ErrorCode; message: string };
}

/** Answer of the `progress` query. */
export interface TurnProgress {
  turnId: string;
  status: 'running' | 'finishing' | TurnEndStatus;
  step: number;
  /** The status line of what the turn is doing now. */
  activity: string;
  modelCalls: number;
  toolCalls: number;
  pendingConfirmation: { callId: string; expiresAt: string } | null;
}

/** Heartbeat details of callModel. */
export interface ModelHeartbeat {
  step: number;
  epoch: number;
  characters: number;
  tokens: number;
}

/**
 * The part that every activity's heartbeat has beside its own details. Temporal gives the last heartbeat to the next
 * attempt. A failing attempt reports its end in its last heartbeat; an attempt whose worker died can't.
 */
export interface AttemptHeartbeat {
  /** The epoch of the newest claim whose attempt reported its own end; null when none has. */
  over: number | null;
  /** Attempts that reported their own end. */
  words: number;
  /** Unexpected failures that no claim counts. */
  faults: number;
}
