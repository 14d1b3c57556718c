/** The usage rows of model calls. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Fence } from '../../db/fence.ts';
import type { SavedWork } from '../../db/turns/transcript.ts';
import type { CallResult, UsageEntry } from '../../db/turns/usage-rows.ts';
import type { ModelUsage } from '../../llm/types.ts';
import type { ActivityDeps } from '../deps.ts';

const FIRST_PAUSE_MS = 500;
const MAX_PAUSE_MS = 15_000;
const RETRY_FOR_MS = 60 * 60_000;
/** The most usage rows that wait in memory. A row has some hundred bytes; a worker makes at most 200 calls at once. */
const MAX_WAITING = 10_000;

const NO_USAGE: ModelUsage = {
  inputTokens: 0,
  cachedTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** Builds the usage row of a call that was timed. */
export type ToUsage = (usage: ModelUsage | null, result?: CallResult) => UsageEntry & { latencyMs: number };

/**
 * Starts timing a call; returns a function that builds its usage row. Pass null when the provider reported no usage.
 * Without a result, the call ended well.
 */
export function openBill(
  deps: ActivityDeps,
  { step, model, sessionId }: { step: number; model: string; sessionId: string },
): ToUsage {
  const startedAt = Date.now();
  return (usage, result = 'ok') => ({
    step,
    sessionId,
    model,
    ...(usage ?? NO_USAGE),
    costUsd: usage === null ? null : priceOf(deps, model, usage),
    // Without the provider's report, the cost of the call is unknown.
    estimated: usage === null,
    latencyMs: Date.now() - startedAt,
    result,
  });
}

/** The price of a call, by the catalogue of today; null for a model without a price. */
function priceOf(deps: ActivityDeps, model: string, usage: ModelUsage): string | null {
  return deps.catalogue.costUsd(model, {
    input_tokens: usage.inputTokens,
    cached_tokens: usage.cachedTokens,
    output_tokens: usage.outputTokens,
    cache_write_tokens: usage.cacheWriteTokens ?? 0,
  });
}

/**
 * Records the usage of a call apart from its result: the call failed, its result came too late, or the result is stored
 * later. When the database can't take a provider's report now, this process keeps the report and tries again. Never rejects.
 */
export async function recordUsage(deps: ActivityDeps, fence: Fence, usage: UsageEntry): Promise<void> {
  try {
    await deps.store.insertUsage(fence, usage);
  } catch (error: unknown) {
    deps.logger.warn({ err: error, turn: fence.turnId }, 'usage of an attempt not recorded yet');
    // A row without a report is not kept: the database itself notes the call when the turn ends.
    if (!usage.estimated && deps.store.isTransient(error)) void keepTrying(deps, fence, usage);
  }
}

/** The usage rows of this process that wait for the database. */
let waiting = 0;

async function keepTrying(deps: ActivityDeps, fence: Fence, usage: UsageEntry): Promise<void> {
  if (waiting >= MAX_WAITING) return;
  waiting += 1;
  const until = Date.now() + RETRY_FOR_MS;
  try {
    for (let pause = FIRST_PAUSE_MS; Date.now() < until; pause = Math.min(MAX_PAUSE_MS, pause * 2)) {
      await delay(pause, undefined, { ref: false });
      try {
        return await deps.store.insertUsage(fence, usage);
      } catch (error: unknown) {
        if (!deps.store.isTransient(error)) break;
      }
    }
    deps.logger.error({ turn: fence.turnId, usage }, 'usage of an attempt is not in the ledger');
  } finally {
    waiting -= 1;
  }
}

/**
 * Stores a call's result with its usage row. When the result can't be stored, because a newer attempt has the claim or the
 * turn is gone, the usage row is stored alone.
 */
export async function savePaid(
  deps: ActivityDeps,
  fence: Fence,
  work: SavedWork & { usage: UsageEntry },
  signal: AbortSignal,
): Promise<void> {
  try {
    await deps.store.saveWork(fence, work, signal);
  } catch (error: unknown) {
    await recordUsage(deps, fence, work.usage);
    throw error;
  }
}
