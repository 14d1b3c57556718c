/** From the events of a turn to what a page shows of it. Pure. */
import { isWhole } from './is-whole-event.ts';
import type {
  CompleteEvent,
  Decision,
  ErrorCode,
  ErrorEvent,
  Json,
  JsonObject,
  StopReason,
  TurnEvent,
  Usage,
  WorkflowDiff,
} from './types.ts';

export interface CallView {
  callId: string;
  name: string;
  /** The raw string where the model wrote no object. */
  arguments: JsonObject | string;
  step: number;
  result?: string;
  isError?: boolean;
  truncated?: boolean;
  state: 'running' | 'done';
}

export interface ConfirmationView {
  callId: string;
  name: string;
  arguments: JsonObject;
  summary: string;
  before: Json;
  after: Json;
  /** ISO 8601. */
  expiresAt: string;
  /** Absent while the question is open. */
  decision?: Decision;
  reason?: string;
}

/** A turn as its events so far tell it. */
export interface TurnView {
  turnId: string | null;
  sessionId: string | null;
  userMessageId: string | null;
  messageId: string | null;
  model: string | null;
  text: string;
  /** One entry per step that shared its reasoning. */
  reasoning: readonly { step: number; text: string }[];
  /** Live: what the service waits for just now; the next numbered event takes it away. */
  status: { message: string; step?: number; tool?: string; live?: true } | null;
  calls: readonly CallView[];
  confirmations: readonly ConfirmationView[];
  diff: WorkflowDiff | null;
  usage: Usage | null;
  stopReason: StopReason | null;
  end: 'complete' | 'error' | null;
  error: { code: ErrorCode; message: string } | null;
  /** The cursor to resume from. */
  lastSeq: number;
}

/** The view of a turn of which nothing is known. */
export function initialTurnView(): TurnView {
  return {
    turnId: null,
    sessionId: null,
    userMessageId: null,
    messageId: null,
    model: null,
    text: '',
    reasoning: [],
    status: null,
    calls: [],
    confirmations: [],
    diff: null,
    usage: null,
    stopReason: null,
    end: null,
    error: null,
    lastSeq: 0,
  };
}

/**
 * The view after one more event; the view that was given stays as it is, and its unchanged parts are shared. An event at or
 * below `lastSeq` changes nothing, so a replayed stream can be folded over what was seen. An event that lacks what its kind
 * needs, or is of an unknown kind, changes `lastSeq` only; one that ends the turn ends it all the same, and what it lacks
 * stays as it was. Each event of a call copies the list of calls, of which a turn has at most some 60.
 */
export function foldEvents(view: TurnView, event: TurnEvent): TurnView {
  if (view.end !== null) return view;
  if (event.seq === undefined) {
    if (event.event !== 'status' || !isWhole(event)) return view;
    return { ...view, status: { ...statusOf(event), live: true } };
  }
  if (!Number.isSafeInteger(event.seq) || event.seq <= view.lastSeq) return view;
  const base: TurnView = {
    ...view,
    lastSeq: event.seq,
    status: view.status?.live === true ? null : view.status,
  };
  if (event.event === 'complete' || event.event === 'error') return endOf(base, event);
  if (!isWhole(event)) return base;
  switch (event.event) {
    case 'start':
      return {
        ...base,
        turnId: event.turn_id,
        sessionId: event.session_id,
        userMessageId: event.user_message_id,
        messageId: event.message_id,
        model: event.model,
      };
    case 'status':
      return { ...base, status: statusOf(event) };
    case 'reasoning_delta':
      return { ...base, reasoning: withReasoning(view.reasoning, event.step, event.delta) };
    case 'content_delta':
      return { ...base, text: view.text + event.delta };
    case 'content_reset':
      return {
        ...base,
        text: event.content,
        reasoning: view.reasoning.filter(({ step }) => step !== event.step),
      };
    case 'tool_call':
      return {
        ...base,
        calls: [
          ...view.calls,
          {
            callId: event.call_id,
            name: event.name,
            arguments: event.arguments,
            step: event.step,
            state: 'running',
          },
        ],
      };
    case 'tool_result':
      return { ...base, calls: withResult(view.calls, event) };
    case 'confirmation_required':
      return {
        ...base,
        confirmations: [
          ...view.confirmations,
          {
            callId: event.call_id,
            name: event.name,
            arguments: event.arguments,
            summary: event.summary,
            before: event.before,
            after: event.after,
            expiresAt: event.expires_at,
          },
        ],
      };
    case 'confirmation_resolved':
      return {
        ...base,
        confirmations: view.confirmations.map((asked) =>
          asked.callId === event.call_id
            ? {
                ...asked,
                decision: event.decision,
                ...(typeof event.reason === 'string' ? { reason: event.reason } : {}),
              }
            : asked,
        ),
      };
  }
}

function endOf(view: TurnView, event: CompleteEvent | ErrorEvent): TurnView {
  const ended = {
    ...view,
    turnId: textOr(event.turn_id, view.turnId),
    messageId: textOr(event.message_id, view.messageId),
    status: null,
    end: event.event,
  };
  if (event.event === 'error')
    return {
      ...ended,
      error: { code: event.code ?? 'internal', message: textOr(event.error, 'The turn has failed') },
    };
  return {
    ...ended,
    text: textOr(event.content, view.text),
    diff: event.workflow_diff ?? null,
    usage: event.usage ?? null,
    stopReason: event.stop_reason ?? null,
  };
}

function textOr<T>(value: unknown, fallback: T): string | T {
  return typeof value === 'string' ? value : fallback;
}

function statusOf(event: { message: string; step?: number; tool?: string }): {
  message: string;
  step?: number;
  tool?: string;
} {
  return {
    message: event.message,
    ...(typeof event.step === 'number' ? { step: event.step } : {}),
    ...(typeof event.tool === 'string' ? { tool: event.tool } : {}),
  };
}

/** One entry per step, so a turn's 25 steps bound what is copied for a delta. */
function withReasoning(reasoning: TurnView['reasoning'], step: number, delta: string): TurnView['reasoning'] {
  const index = reasoning.findLastIndex((entry) => entry.step === step);
  if (index < 0) return [...reasoning, { step, text: delta }];
  return reasoning.with(index, { step, text: reasoning[index]!.text + delta });
}

function withResult(
  calls: TurnView['calls'],
  event: {
    call_id: string;
    name: string;
    step: number;
    result: string;
    is_error: boolean;
    truncated: boolean;
  },
): TurnView['calls'] {
  const result = {
    result: event.result,
    isError: event.is_error,
    truncated: event.truncated,
    state: 'done' as const,
  };
  return calls.map((call) =>
    call.callId === event.call_id && call.state === 'running' ? { ...call, ...result } : call,
  );
}
