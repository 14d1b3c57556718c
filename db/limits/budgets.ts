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
const TOKENS = 'coalesce(sum(input_tokens + output_tokens), 0)';
const DOLLARS = 'coalesce(sum(cost_usd), 0)';
const BUDGETS: Readonly<
  Record<Budget, { isOfDay: boolean; spent: string; nameOf: (amount: string) => string }>
> = {
  tokensPerDay: {
    isOfDay: true,
    spent: TOKENS,
    nameOf: (amount) => `Your budget of ${amount} tokens a day`,
  },
  usdPerDay: {
    isOfDay: true,
    spent: DOLLARS,
    nameOf: (amount) => `Your budget of ${amount} US dollars a day`,
  },
  tokensPerSession: {
    isOfDay: false,
    spent: TOKENS,
    nameOf: (amount) => `The budget of ${amount} tokens of this session`,
  },
  usdPerSession: {
    isOfDay: false,
    spent: DOLLARS,
    nameOf: (amount) => `The budget of ${amount} US dollars of this session`,
  },
};

/** SQL for the principal and the session whose usage is summed. Without a principal, no budget of a day applies. */
interface Spender {
  principal: string;
  session: string;
}
const STARTER: Spender = {
  principal: 'cast(:principal as text)',
  session: 'cast(:sessionId as uuid)',
};
const TURN: Spender = {
  principal: '(select t.principal from ai.copilot_turns t where t.id = cast(:turnId as uuid))',
  session: '(select t.session_id from ai.copilot_turns t where t.id = cast(:turnId as uuid))',
};

/** The first budget of which nothing is left; null when something is left of all. `bindings` are those of `spender`. */
async function findSpent(
  db: Knex,
  budgets: Budgets,
  spender: Spender,
  bindings: Record<string, string | null>,
): Promise<Budget | null> {
  const names = (Object.keys(BUDGETS) as Budget[]).filter((name) => Number(budgets[name]) > 0);
  if (names.length === 0) return null;
  const [spent] = await rowsOf<{ name: Budget }>(
    db,
    names
      .map((name) => {
        const whose = BUDGETS[name].isOfDay
          ? `principal = ${spender.principal} and created_at >= date_trunc('day', clock_timestamp(), 'UTC')`
          : `session_id = ${spender.session}`;
        return `(select '${name}' as name from ai.copilot_usage
          where ${whose} and not estimated having ${BUDGETS[name].spent} >= cast(:${name} as numeric))`;
      })
      .join(' union all '),
    { ...bindings, ...Object.fromEntries(names.map((name) => [name, String(budgets[name])])) },
  );
  return spent?.name ?? null;
}

/** Throws LimitError when a budget is used up. */
export async function requireBudget(db: Knex, budgets: Budgets, starter: Starter): Promise<void> {
  const name = await findSpent(db, budgets, STARTER, { ...starter });
  if (name === null) return;
  const amount = budgets[name];
  const { isOfDay, nameOf } = BUDGETS[name];
  const budget = nameOf(typeof amount === 'number' ? amount.toLocaleString('en-US') : amount);
  if (!isOfDay)
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

/** Whether a budget of a turn is used up. False when the turn does not exist. Takes one statement: each step asks. */
export async function isBudgetSpent(db: Knex, budgets: Budgets, turnId: string): Promise<boolean> {
  return (await findSpent(db, budgets, TURN, { turnId })) !== null;
}
