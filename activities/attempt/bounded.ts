/** Tool calls within bounds: a time limit, a number of tries, and a failed result where either is used up. */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, isFenceError } from '../../contracts/thrown-codes.ts';
import type { Fence } from '../../db/fence.ts';
import type { SavedWork } from '../../db/turns/transcript.ts';
import type { ActivityDeps } from '../deps.ts';
import { toolFailure, type ToolOutcome } from '../tools/tool.ts';
import { inToolSpan } from './spans.ts';
import { toolLabel } from './tool-call.ts';

/** How often one attempt makes a tool call that fails unexpectedly. */
export const MAX_TOOL_TRIES = 3;
/** A tool call is not made again after this many workers were lost with it. */
export const MAX_TOOL_DEATHS = 3;
const PAUSE_MS = 200;

class TimeLimitError extends Error {}

export interface CallLimits {
  /** The tool's name, for messages and logs. */
  name: string;
  turnId: string;
  signal: AbortSignal;
  /** The time limit of the call, including its repetitions. */
  limitMs: number;
  /** True when the call may wait for locks of others. A statement timeout is then no failure of the call. */
  waitsForOthers?: boolean;
}

/**
 * Runs a tool call's work. Returns its result, or a failed tool result after the time limit or after several unexpected
 * failures. The work's signal aborts at the time limit. Throws only for reasons outside the call: a database that is away,
 * a newer claim, the end of the turn, the caller's abort.
 */
export async function boundCall<T>(
  deps: Pick<ActivityDeps, 'store' | 'logger' | 'tools' | 'metrics'>,
  limits: CallLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ done: T } | { failed: ToolOutcome }> {
  const tool = toolLabel(deps, limits.name);
  const stopWatch = deps.metrics.tool.startTimer({ tool });
  try {
    return await inToolSpan(tool, () => callWithin(deps, limits, work));
  } finally {
    stopWatch();
  }
}

async function callWithin<T>(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  { name, turnId, signal, limitMs, waitsForOthers = false }: CallLimits,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<{ done: T } | { failed: ToolOutcome }> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(new TimeLimitError()), limitMs);
  const both = AbortSignal.any([signal, limit.signal]);
  try {
    for (let tries = 1; ; tries++) {
      try {
        return { done: await unlessAborted(work(both), both) };
      } catch (error: unknown) {
        signal.throwIfAborted();
        if (limit.signal.aborted) {
          deps.logger.error({ turn: turnId, tool: name, limitMs }, 'a tool call took too long');
          return { failed: tookTooLong(name, limitMs) };
        }
        if (isNotOfTheCall(deps, error, waitsForOthers)) throw error;
        deps.logger.error({ err: error, turn: turnId, tool: name, tries }, 'a tool call failed unexpectedly');
        if (tries >= MAX_TOOL_TRIES) return { failed: failedOften(name, tries) };
        await delay(PAUSE_MS * tries, undefined, { signal: both }).catch(() => signal.throwIfAborted());
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** Stores a call's work and returns the stored body. When the database refuses the result, a failed one is stored. */
export async function storeCall(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  { fence, name, signal }: { fence: Fence; name: string; signal: AbortSignal },
  work: SavedWork,
  toFailed: (failed: ToolOutcome) => SavedWork,
): Promise<string> {
  try {
    await deps.store.saveWork(fence, work, signal);
    return work.entry.body;
  } catch (error: unknown) {
    if (signal.aborted || isNotOfTheCall(deps, error, true)) throw error;
    deps.logger.error({ err: error, turn: fence.turnId, tool: name }, 'a result could not be stored');
    const failed = toFailed(
      toolFailure('failed', `The result of ${name} could not be stored. Nothing was changed.`),
    );
    await deps.store.saveWork(fence, failed, signal);
    return failed.entry.body;
  }
}

/** SQLSTATE query_canceled, as by statement_timeout. */
const TOO_SLOW = '57014';

/** Whether an error has its reason outside the call. The attempt then ends with the error, and the call is made again. */
function isNotOfTheCall(deps: Pick<ActivityDeps, 'store'>, error: unknown, waitsForOthers: boolean): boolean {
  if (isFenceError(error)) return true;
  return deps.store.isTransient(error) && (waitsForOthers || codeOf(error) !== TOO_SLOW);
}

function tookTooLong(name: string, limitMs: number): ToolOutcome {
  return toolFailure(
    'timeout',
    `${name} took longer than ${limitMs / 1_000} seconds and was stopped. Nothing was changed.`,
    'Ask for less at once, go on without it, or tell the user.',
  );
}

function failedOften(name: string, tries: number): ToolOutcome {
  return toolFailure(
    'failed',
    `${name} failed ${tries} times for a reason of its own. Nothing was changed.`,
    'Do not send the same call again: go on without it, or tell the user.',
  );
}

/** The result of a call that is not made any more because workers were lost with it. */
export function lostWorkers(name: string, deaths: number): ToolOutcome {
  return toolFailure(
    'failed',
    `The worker that ran ${name} was lost ${deaths} times, so the call was given up. Nothing was changed.`,
    'Do not send the same call again: go on without it, or tell the user.',
  );
}

/** Settles as the promise does, or rejects with the signal's reason once it aborts. The promise itself may run on. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject);
  });
}
