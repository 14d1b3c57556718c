/** The answer of GET turn. Pure. */
import type { ConfirmationBody, TurnBody } from '../../contracts/http/turns.ts';
import type { TurnProgress } from '../../contracts/turn.ts';
import type { Confirmation } from '../../db/turns/confirmations.ts';
import type { Turn } from '../../db/turns/turn.ts';

export function presentTurn(parts: {
  turn: Turn;
  usage: TurnBody['usage'];
  progress: TurnProgress | null;
  question: Confirmation | null;
  temporalUrl: string | null;
}): TurnBody {
  const { turn, usage, progress, question, temporalUrl } = parts;
  return {
    id: turn.id,
    status: turn.status,
    step: progress?.step ?? turn.steps,
    model: turn.model,
    started_at: turn.startedAt?.toISOString() ?? null,
    finished_at: turn.finishedAt?.toISOString() ?? null,
    pending_confirmation: question && presentQuestion(question),
    workflow_diff: turn.workflowDiff,
    usage,
    stop_reason: turn.stopReason,
    temporal_url: temporalUrl,
  };
}

function presentQuestion(question: Confirmation): ConfirmationBody {
  return {
    call_id: question.callId,
    name: 'manage_project_asset',
    arguments: question.arguments,
    summary: question.summary,
    before: question.before,
    after: question.after,
    expires_at: question.expiresAt.toISOString(),
  };
}
