/** Usage rows: one for each attempt of a model call. */
import type { Knex } from 'knex';
import type { Usage } from '../../contracts/events.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import type { Fence } from '../fence.ts';

/** SQL for the columns of Usage, summed over rows of copilot_usage. cost_usd is null when any call has no price. */
export const USAGE_SUMS = `count(*)::int as calls, coalesce(sum(input_tokens), 0)::float8 as input_tokens,
  coalesce(sum(cached_tokens), 0)::float8 as cached_tokens, coalesce(sum(output_tokens), 0)::float8 as output_tokens,
  coalesce(sum(reasoning_tokens), 0)::float8 as reasoning_tokens,
  case when count(*) > 0 and bool_and(cost_usd is not null) then trim_scale(sum(cost_usd))::text end as cost_usd`;

/** How a model call ended. `lost`: its worker died before it reported. */
export type CallResult = 'ok' | 'cancelled' | 'lost' | ErrorCode;

export interface UsageEntry {
  step: number;
  /** The session to bill, also when the turn's row is deleted. Null: the session of the turn's row. */
  sessionId: string | null;
  /** Null: the model of the turn's row. */
  model: string | null;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  reasoningTokens: number;
  costUsd: string | null;
  /** True for an attempt without the provider's report. Sums leave the row out. */
  estimated: boolean;
  /** Null when it is unknown. */
  latencyMs: number | null;
  result: CallResult;
}

/** The worker died before it reported usage. A call was made; its cost is unknown. */
export const LOST_ATTEMPT: Omit<UsageEntry, 'step'> = {
  sessionId: null,
  model: null,
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costUsd: null,
  estimated: true,
  latencyMs: null,
  result: 'lost',
};

/**
 * Records the tokens of an attempt, which (turn, step, epoch) identifies. Recording an attempt again changes nothing, except
 * that a report replaces an estimate; the result stays as it was first noted. Without a session id and without the turn's
 * row, nothing is recorded.
 */
export async function insertUsage(db: Knex, fence: Fence, usage: UsageEntry): Promise<void> {
  await db.raw(
    `insert into ai.copilot_usage (turn_id, session_id, step, epoch, model, input_tokens, cached_tokens, output_tokens,
       reasoning_tokens, cost_usd, estimated, latency_ms, result)
     select w.id, coalesce(w.session_id, t.session_id), ?, ?, coalesce(?, t.model), ?, ?, ?, ?, ?::numeric, ?, ?, ?
     from (values (?::uuid, ?::uuid)) as w (id, session_id) left join ai.copilot_turns t on t.id = w.id
     where coalesce(w.session_id, t.session_id) is not null
     on conflict (turn_id, step, epoch) do update set model = excluded.model, input_tokens = excluded.input_tokens,
       cached_tokens = excluded.cached_tokens, output_tokens = excluded.output_tokens,
       reasoning_tokens = excluded.reasoning_tokens, cost_usd = excluded.cost_usd, estimated = false,
       latency_ms = excluded.latency_ms
     where ai.copilot_usage.estimated and not excluded.estimated`,
    [
      usage.step,
      fence.epoch,
      usage.model,
      usage.inputTokens,
      usage.cachedTokens,
      usage.outputTokens,
      usage.reasoningTokens,
      usage.costUsd,
      usage.estimated,
      usage.latencyMs === null ? null : Math.round(usage.latencyMs),
      usage.result,
      fence.turnId,
      usage.sessionId,
    ],
  );
}

/** The usage of a turn: the sums over its reported attempts. */
export async function sumUsage(db: Knex, turnId: string): Promise<Usage> {
  const rows = await rowsOf<Usage>(
    db,
    `select ${USAGE_SUMS} from ai.copilot_usage where turn_id = ? and not estimated`,
    [turnId],
  );
  return rows[0]!;
}
