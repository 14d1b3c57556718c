/**
 * What crosses between API, workflow and activities. Everything here is stored in a Temporal history:
 * ids and small facts only, never a message, a graph, a prompt or a result.
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
  /** Goes on with the turn when its model fails. */
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
  /** True on the last step: tools are shown but may not be called. */
  toolsOff: boolean;
  /** The model, where it is not the turn's own. */
  model?: string;
  /** Set once the session's history was summarized, or the attempt failed. A request that is still too long is cut. */
  summarized?: boolean;
  /** Set once the provider has refused a request as too long: the rest of the conversation is halved. */
  squeeze?: boolean;
}

/** One call that the model asked for. The arguments stay in the transcript; their hash is what the loop guard needs. */
export interface ToolCallRef {
  callId: string;
  name: string;
  argumentsHash: string;
  /** For operators, such as `modify_workflow: +2 blocks, +1 edge`. */
  preview: string;
  /** Absent where no such tool exists, and in answers of releases before this field. */
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
  /** Set on an answer without calls after which the model should be asked once more. */
  unfinished?: Unfinished;
  /** Whether the answer has text. */
  hasText?: boolean;
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
  /** Null when there is nothing to wait for: the call was refused, or is settled already. */
  wait: { expiresAt: string; ms: number } | null;
}

export interface SettleConfirmationInput extends RunToolInput {
  /** Why the wait ends. A decision that was made before always stands. */
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
  /** What the turn is doing now: a status line of the status map. */
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
 * What every activity's heartbeat carries beside its own details. Temporal hands the last heartbeat to the next attempt.
 * An attempt that fails says so in it; an attempt whose worker died could not.
 */
export interface AttemptHeartbeat {
  /** The epoch of the newest claim whose attempt reported its own end; null when none has. */
  over: number | null;
  /** Attempts that reported their own end. */
  words: number;
  /** Unexpected failures that no claim counts. */
  faults: number;
}
