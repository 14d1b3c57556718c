import type { Usage } from '../../../client/src/index.ts';

const whole = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumFractionDigits: 1 });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });

export function formatWhole(value: number): string {
  return whole.format(value);
}

export function formatShort(value: number): string {
  return short.format(value);
}

/** Dollars, with the digits that a person reads. */
export function formatCost(amount: number): string {
  return `$${amount === 0 ? '0' : amount < 0.01 ? amount.toPrecision(2) : amount.toFixed(2)}`;
}

export function formatTime(iso: string): string {
  return day.format(new Date(iso));
}

/** "2:05", or "23 h 59 min" for a long time. */
export function formatDuration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours} h ${minutes % 60} min`;
  return `${minutes}:${String(seconds % 60).padStart(2, '0')}`;
}

export interface Total {
  tokens: number;
  /** Null where no call had a price. */
  cost: number | null;
}

/** The sum over turns. */
export function sumUsage(usages: readonly (Usage | null)[]): Total {
  let tokens = 0;
  let cost: number | null = null;
  for (const usage of usages) {
    if (!usage) continue;
    tokens += usage.input_tokens + usage.output_tokens;
    if (usage.cost_usd !== null) cost = (cost ?? 0) + Number(usage.cost_usd);
  }
  return { tokens, cost };
}
