/** What model calls cost, for the ledger. */
import type { Fence, SavedWork, UsageEntry } from '../db/turns.ts';
import type { ModelUsage } from '../llm/types.ts';
import type { ActivityDeps } from './deps.ts';

const NO_USAGE: ModelUsage = {
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** Opens the bill of an attempt that begins now. What it gives is the ledger's entry; null: the provider reported nothing. */
export function openBill(
  deps: ActivityDeps,
  { step, model }: { step: number; model: string },
): (usage: ModelUsage | null) => UsageEntry & { latencyMs: number } {
  const startedAt = Date.now();
  return (usage) => ({
    step,
    model,
    ...(usage ?? NO_USAGE),
    costUsd: usage === null ? null : priceOf(deps, model, usage),
    // Without the provider's report it is only known that there was a call.
    estimated: usage === null,
    latencyMs: Date.now() - startedAt,
  });
}

/** The price of a call, by the catalogue of today; null for a model without one. */
function priceOf(deps: ActivityDeps, model: string, usage: ModelUsage): string | null {
  return deps.catalogue.costUsd(model, {
    input_tokens: usage.inputTokens,
    cached_tokens: usage.cachedTokens,
    output_tokens: usage.outputTokens,
    cache_write_tokens: usage.cacheWriteTokens ?? 0,
  });
}

/** Records an attempt that has no result to be stored with: it failed, or came too late. */
export async function recordUsage(deps: ActivityDeps, fence: Fence, usage: UsageEntry): Promise<void> {
  await deps.store
    .insertUsage(fence, usage)
    .catch((error: unknown) =>
      deps.logger.warn({ err: error, turn: fence.turnId }, 'usage of an attempt not recorded'),
    );
}

/** Stores a call's result with its bill. When another attempt has taken over, its result counts, and the bill stays. */
export async function savePaid(
  deps: ActivityDeps,
  fence: Fence,
  work: SavedWork & { usage: UsageEntry },
  signal: AbortSignal,
): Promise<void> {
  try {
    await deps.store.saveWork(fence, work, signal);
  } catch (error: unknown) {
    const { code } = error as { code?: unknown };
    if (code === 'FENCED' || code === 'TURN_OVER') await recordUsage(deps, fence, work.usage);
    throw error;
  }
}
