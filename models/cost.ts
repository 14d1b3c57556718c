/** Computes the cost of a model call. */
import type { Usage } from '../contracts/events.ts';
import type { ModelSpec } from './models.ts';

const PRICE_DIGITS = 6;
const PER_TOKENS = 1_000_000n;

/** The tokens that a provider bills for a call. `input_tokens` includes `cached_tokens` and `cache_write_tokens`. */
export type BilledTokens = Pick<Usage, 'input_tokens' | 'cached_tokens' | 'output_tokens'> & {
  cache_write_tokens?: number;
};

/** The exact cost in US dollars as a decimal string; null without a price. */
export function costOf(price: ModelSpec['price'], usage: BilledTokens): string | null {
  if (!price) return null;
  const written = usage.cache_write_tokens ?? 0;
  const fresh = BigInt(Math.max(0, usage.input_tokens - usage.cached_tokens - written));
  // Prices are millionths of a dollar per million tokens, so the total is a whole number of 10^-12 dollars.
  const total =
    fresh * toMicros(price.input) +
    BigInt(usage.cached_tokens) * toMicros(price.cachedInput) +
    BigInt(written) * toMicros(price.cacheWrite ?? price.input) +
    BigInt(usage.output_tokens) * toMicros(price.output);
  const scale = 10n ** BigInt(PRICE_DIGITS) * PER_TOKENS;
  const fraction = (total % scale).toString().padStart(12, '0').replace(/0+$/, '');
  return `${total / scale}${fraction === '' ? '' : `.${fraction}`}`;
}

function toMicros(decimal: string): bigint {
  const [whole = '0', fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(PRICE_DIGITS, '0'));
}
