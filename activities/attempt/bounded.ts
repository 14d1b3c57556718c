/** Work that must come to an end: its time is limited, and what fails is tried only so often. */
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, isFenceError } from '../../contracts/thrown-codes.ts';
import type { Fence } from '../../db/fence.ts';
import type { SavedWork } from '../../db/turns/transcript.ts';
import type { ActivityDeps } from '../deps.ts';
import { toolFailure, type ToolOutcome } from '../tools/tool.ts';

/** How often a tool call that fails unexpectedly is made by one attempt. */
export const MAX_TOOL_TRIES = 3;
/** Workers lost with a tool call after which it is not made again. */
export const MAX_TOOL_DEATHS = 3;
const PAUSE_MS = 200;

class TimeLimitError extends Error {}

export interface CallLimits {
  /** The tool's name, for words and logs. */
  name: string;
  turnId: string;
  signal: AbortSignal;
  /** What the call may take, its repetitions included. */
  limitMs: number;
  /** True where a statement that takes too long says nothing about the call: it waits for somebody else. */
  waitsForOthers?: boolean;
}

/**
 * Does a tool call's work until it has come to something, or says truthfully what kept it from that. The work's signal
 * aborts when the time is up. Throws only what is not the call's: a database that is away, a claim that holds no more,
 * the turn's end, the caller's abort.
 */
export async function boundCall<T>(
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

/**
 * Stores a call's work and gives the stored body. What can't be stored for a reason of its own becomes a failure, which
 * can.
 */
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

/** Whether what is thrown says nothing about the call: the attempt ends with it, and the call is made again. */
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

/** The promise's outcome, or the signal's reason once it aborts: what runs on by then is not waited for. */
function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    promise.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject);
  });
}
