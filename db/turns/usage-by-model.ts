/** Sums the usage of the whole platform, per model. */
import type { Knex } from 'knex';
import { withLongBound } from '../connection/knex.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export interface ModelUsageRow {
  model: string;
  turns: number;
  calls: number;
  /** Attempts that ended without the provider's report. Their tokens are unknown and not in the sums. */
  estimated_calls: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  /** US dollars as a decimal string; null when any counted call has no price. */
  cost_usd: string | null;
}

/** The most models of an answer: far more than a configuration names. */
const MAX_MODELS = 500;

/**
 * Sums of the calls from `from` (inclusive) to `to` (exclusive), per model. Null means no bound. `leftOut` counts the
 * models beyond the first MAX_MODELS by name.
 */
export async function sumUsageByModel(
  db: Knex,
  range: { from: Date | null; to: Date | null },
): Promise<{ models: ModelUsageRow[]; leftOut: number }> {
  // float8 is exact up to 2^53; an int would overflow after two billion tokens.
  const rows = await withLongBound(db, (trx) =>
    rowsOf<ModelUsageRow & { groups: number }>(
      trx,
      `select count(*) over ()::int as groups, model, count(distinct turn_id) filter (where not estimated)::int as turns,
       count(*) filter (where not estimated)::int as calls, count(*) filter (where estimated)::int as estimated_calls,
       coalesce(sum(input_tokens) filter (where not estimated), 0)::float8 as input_tokens,
       coalesce(sum(cached_tokens) filter (where not estimated), 0)::float8 as cached_tokens,
       coalesce(sum(output_tokens) filter (where not estimated), 0)::float8 as output_tokens,
       coalesce(sum(reasoning_tokens) filter (where not estimated), 0)::float8 as reasoning_tokens,
       case when bool_and(cost_usd is not null) filter (where not estimated)
         then trim_scale(sum(cost_usd) filter (where not estimated))::text end as cost_usd
     from ai.copilot_usage
     where created_at >= coalesce(?::timestamptz, '-infinity') and created_at < coalesce(?::timestamptz, 'infinity')
     group by model order by model limit ${MAX_MODELS}`,
      [range.from, range.to],
    ),
  );
  const models = rows.map(({ groups: _groups, ...row }) => row);
  return { models, leftOut: (rows[0]?.groups ?? 0) - models.length };
}
