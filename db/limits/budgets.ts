/**
 * What model calls have used, against the budgets. The ledger is the only source, so nothing is forgotten when a process
 * ends or a session is deleted. Attempts without a provider's report and models without a price count as nothing.
 */
import type { Knex } from 'knex';
import type { Budgets } from '../../runtime/config.ts';
import { rowsOf } from '../connection/sql-rows.ts';
import { LimitError } from './limit-error.ts';
import type { Starter } from './start-limits.ts';

type Budget = keyof Budgets;

const DAY_SECONDS = 86_400;
const NAMES: Readonly<Record<Budget, (amount: string) => string>> = {
  tokensPerDay: (amount) => `Your budget of ${amount} tokens a day`,
  usdPerDay: (amount) => `Your budget of ${amount} US dollars a day`,
  tokensPerSession: (amount) => `The budget of ${amount} tokens of this session`,
  usdPerSession: (amount) => `The budget of ${amount} US dollars of this session`,
};
const DAYS: readonly Budget[] = ['tokensPerDay', 'usdPerDay'];
const SPENT: Readonly<Record<Budget, string>> = {
  tokensPerDay: 'coalesce(sum(input_tokens + output_tokens), 0)',
  usdPerDay: 'coalesce(sum(cost_usd), 0)',
  tokensPerSession: 'coalesce(sum(input_tokens + output_tokens), 0)',
  usdPerSession: 'coalesce(sum(cost_usd), 0)',
};

/** The first budget of which nothing is left; null when something is left of all. */
async function findSpent(
  db: Knex,
  budgets: Budgets,
  { principal, sessionId }: Starter,
): Promise<Budget | null> {
  const names = (Object.keys(NAMES) as Budget[]).filter(
    (name) => Number(budgets[name]) > 0 && (principal !== null || !DAYS.includes(name)),
  );
  if (names.length === 0) return null;
  const [spent] = await rowsOf<{ name: Budget }>(
    db,
    names
      .map((name) => {
        const whose = DAYS.includes(name)
          ? `principal = ? and created_at >= date_trunc('day', clock_timestamp(), 'UTC')`
          : 'session_id = ?';
        return `(select '${name}' as name from ai.copilot_usage
          where ${whose} and not estimated having ${SPENT[name]} >= ?::numeric)`;
      })
      .join(' union all '),
    names.flatMap((name) => [DAYS.includes(name) ? principal : sessionId, String(budgets[name])]),
  );
  return spent?.name ?? null;
}

/** Throws LimitError when a budget is used up. */
export async function requireBudget(db: Knex, budgets: Budgets, starter: Starter): Promise<void> {
  const name = await findSpent(db, budgets, starter);
  if (name === null) return;
  const amount = budgets[name];
  const budget = NAMES[name](typeof amount === 'number' ? amount.toLocaleString('en-US') : amount);
  if (!DAYS.includes(name))
    throw new LimitError(
      `${budget} is used up and does not renew. Nothing was done. Please begin a new session.`,
      DAY_SECONDS,
    );
  const [day] = await rowsOf<{ ends: Date; wait: number }>(
    db,
    `select ends, extract(epoch from ends - clock_timestamp())::float8 as wait
     from (select date_trunc('day', clock_timestamp(), 'UTC') + interval '1 day' as ends) d`,
  );
  throw new LimitError(
    `${budget} is used up. Nothing was done. The budget renews at ${day!.ends.toISOString()} (the day in UTC).`,
    day!.wait,
  );
}

/** Whether a budget of a turn is used up. False when the turn does not exist. */
export async function isBudgetSpent(db: Knex, budgets: Budgets, turnId: string): Promise<boolean> {
  if (Object.values(budgets).every((amount) => Number(amount) === 0)) return false;
  const [turn] = await rowsOf<Starter>(
    db,
    'select principal, session_id as "sessionId" from ai.copilot_turns where id = ?',
    [turnId],
  );
  return turn !== undefined && (await findSpent(db, budgets, turn)) !== null;
}
