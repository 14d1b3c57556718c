/** An answer as it is shown, whether it runs, was followed to its end, or comes from the store. Pure. */
import type {
  ErrorCode,
  Json,
  Message,
  StopReason,
  TurnView,
  Usage,
  WorkflowDiff,
} from '../../../client/src/index.ts';

export interface AnswerCall {
  callId: string;
  name: string;
  arguments: Json;
  step: number;
  /** `asking`: the call waits for a person's decision. */
  state: 'running' | 'asking' | 'done' | 'failed' | 'unknown';
  result: string | null;
  /** Whether the service has more of the result than it sends. */
  isCut: boolean;
}

export interface AnswerView {
  messageId: string | null;
  turnId: string | null;
  model: string | null;
  text: string;
  reasoning: TurnView['reasoning'];
  calls: readonly AnswerCall[];
  diff: WorkflowDiff | null;
  usage: Usage | null;
  status: 'running' | 'complete' | 'cancelled' | 'failed';
  /** Known where the turn was followed. */
  stopReason: StopReason | null;
  error: { code: ErrorCode; message: string } | null;
  createdAt: string | null;
  isTextCut: boolean;
  isWorkOmitted: boolean;
  /** Whether the service has deleted the turn's calls, because the turn is old. */
  areCallsDeleted: boolean;
}

/** What the turn's events told comes first; what the store adds completes it. */
export function toAnswer(message: Message | null, view: TurnView | null): AnswerView {
  return {
    messageId: message?.id ?? view?.messageId ?? null,
    turnId: message?.turn_id ?? view?.turnId ?? null,
    model: message?.model ?? view?.model ?? null,
    text: view?.text || message?.content || '',
    reasoning: view?.reasoning ?? [],
    calls: view ? callsOfView(view) : callsOfMessage(message),
    diff: view?.diff ?? message?.workflow_diff ?? null,
    usage: view?.usage ?? message?.usage ?? null,
    status: message?.status ?? statusOf(view),
    stopReason: view?.stopReason ?? null,
    error: view?.error ?? null,
    createdAt: message?.created_at ?? null,
    isTextCut: view === null && message?.content_truncated === true,
    isWorkOmitted: view === null && message?.tool_calls_omitted === true,
    areCallsDeleted: message?.tool_calls_deleted === true,
  };
}

function statusOf(view: TurnView | null): AnswerView['status'] {
  if (view === null || view.end === null) return 'running';
  if (view.end === 'error') return 'failed';
  return view.stopReason === 'cancelled' ? 'cancelled' : 'complete';
}

function callsOfView(view: TurnView): AnswerCall[] {
  return view.calls.map((call) => ({
    callId: call.callId,
    name: call.name,
    arguments: call.arguments,
    step: call.step,
    state: stateOf(call, view),
    result: call.result ?? null,
    isCut: call.truncated === true,
  }));
}

function stateOf(
  { callId, state, isError }: TurnView['calls'][number],
  { confirmations, end }: TurnView,
): AnswerCall['state'] {
  if (state === 'done') return isError ? 'failed' : 'done';
  if (end !== null) return 'unknown';
  return confirmations.some((asked) => asked.callId === callId && asked.decision === undefined)
    ? 'asking'
    : 'running';
}

function callsOfMessage(message: Message | null): AnswerCall[] {
  return (message?.tool_calls ?? []).map((call) => ({
    callId: call.call_id,
    name: call.name,
    arguments: call.arguments,
    step: call.step,
    state: call.result === null ? 'unknown' : call.is_error ? 'failed' : 'done',
    result: call.result,
    isCut: false,
  }));
}
