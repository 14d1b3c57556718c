/** A model call's start, claim and stream, for the two activities that make one. */
import type { ModelHeartbeat } from '../../contracts/turn.ts';
import type { Claim } from '../../db/turns/claims.ts';
import type { ModelEvent, ModelRequest } from '../../llm/types.ts';
import type { ActivityDeps } from '../deps.ts';
import type { Attempt, ClaimInput, Work } from './attempt.ts';
import { final } from './judge-error.ts';
import { openModelSpan } from './spans.ts';
import { createSingleFlight, type StartedCall } from './single-flight.ts';

const CHARACTERS_PER_TOKEN = 4;
/** A model call is not made again after this many lost workers. Model calls take long, so more workers die by chance. */
const MAX_MODEL_DEATHS = 5;

/** A model call, as the function that makes it sees it. */
export interface ModelCall {
  /** Claims the work in the name of the attempt that started the call. */
  claim: Attempt['claim'];
  /** Aborts when no attempt waits for the call any more. */
  signal: AbortSignal;
  /** Sent by the heartbeats of all attempts that wait for the call. */
  heartbeat: ModelHeartbeat;
}

interface CallInput {
  turnId: string;
  step: number;
  model?: string;
}

/**
 * Creates the function by which an attempt of an activity gets the result of its model call. `make` makes the call, and
 * `keyOf` gives the key of its claim. Attempts with the same key and model that overlap in this process share one call.
 */
export function createSharedCalls<Input extends CallInput, Result>(
  keyOf: (input: Input) => string,
  make: (input: Input, call: ModelCall) => Promise<Result>,
): (attempt: Attempt, input: Input) => Promise<Result> {
  const calls = createSingleFlight<Result, Work>();

  const start = (attempt: Attempt, input: Input): StartedCall<Result, Work> => {
    const abort = new AbortController();
    const heartbeat: ModelHeartbeat = { step: input.step, epoch: 0, characters: 0, tokens: 0 };
    const { work, claim } = attempt;
    work.details = heartbeat;
    return { work, result: make(input, { claim, signal: abort.signal, heartbeat }), abort };
  };

  return async (attempt, input) => {
    attempt.signal.throwIfAborted();
    const key = `${input.turnId}/${keyOf(input)}/${input.model ?? ''}`;
    const call = calls.find(key) ?? calls.add(key, start(attempt, input));
    attempt.work = call.work;
    return calls.wait(call, attempt);
  };
}

/**
 * Claims a model call. A stored result is returned with the claim. Without one, the call is refused when too many workers
 * were lost with it.
 */
export async function claimModelCall(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  { claim: claimWork, heartbeat }: ModelCall,
  input: ClaimInput,
): Promise<Claim> {
  const claim = await claimWork(input);
  if (claim.stored !== null) return claim;
  await refuseDeadly(deps, claim);
  heartbeat.epoch = claim.fence.epoch;
  return claim;
}

/** Throws when too many workers were lost with a call: the model's answer may be the cause. */
async function refuseDeadly(
  deps: Pick<ActivityDeps, 'store' | 'logger'>,
  { fence, deaths }: Claim,
): Promise<void> {
  if (deaths < MAX_MODEL_DEATHS) return;
  deps.logger.error({ turn: fence.turnId, key: fence.key, deaths }, 'workers are lost with a model call');
  await deps.store.markIdle(fence);
  throw final('model_bad_response', "The model's answer could not be processed. Please try again.");
}

/** The events that are a part of the answer, as far as a provider has sent it. */
const TOKENS: ReadonlySet<ModelEvent['type']> = new Set<ModelEvent['type']>([
  'text_delta',
  'reasoning_delta',
  'tool_call_started',
  'tool_arguments_delta',
  'tool_call',
]);

/**
 * The events of a model call. Throws the reason of the request's signal when the signal aborts, but hands on a usage report
 * that has already arrived. Measures the call; `onFirstToken` is called when the answer begins.
 */
export async function* streamModel(
  deps: Pick<ActivityDeps, 'model' | 'catalogue' | 'traceContent'> & {
    metrics: Pick<ActivityDeps['metrics'], 'modelFirstToken' | 'modelCall'>;
  },
  request: ModelRequest,
  onFirstToken: () => void = () => undefined,
): AsyncGenerator<ModelEvent> {
  const { metrics } = deps;
  const { model } = request;
  const span = openModelSpan(deps, request);
  const startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1_000;
  let hasBegun = false;
  try {
    for await (const event of deps.model.stream(request)) {
      span.see(event);
      if (event.type !== 'usage') request.signal.throwIfAborted();
      if (!hasBegun && TOKENS.has(event.type)) {
        hasBegun = true;
        metrics.modelFirstToken.observe({ model }, seconds());
        span.begin(seconds());
        onFirstToken();
      }
      yield event;
    }
  } catch (error: unknown) {
    span.fail(error);
    throw error;
  } finally {
    span.end();
    metrics.modelCall.observe({ model }, seconds());
  }
}

/** Adds what the model has written to the heartbeat. */
export function countCharacters(heartbeat: ModelHeartbeat, delta: string): void {
  heartbeat.characters += delta.length;
  heartbeat.tokens = Math.ceil(heartbeat.characters / CHARACTERS_PER_TOKEN);
}
