/** Columns of Usage over rows of copilot_usage. cost_usd is null when any call has no price. */
export const USAGE_SUMS = `count(*)::int as calls, coalesce(sum(input_tokens), 0)::float8 as input_tokens,
  coalesce(sum(cached_tokens), 0)::float8 as cached_tokens, coalesce(sum(output_tokens), 0)::float8 as output_tokens,
  coalesce(sum(reasoning_tokens), 0)::float8 as reasoning_tokens,
  case when count(*) > 0 and bool_and(cost_usd is not null) then trim_scale(sum(cost_usd))::text end as cost_usd`;
