/** Fits a conversation into a window as a task for a thread, because counting the tokens of a megabyte takes long. */
import type { ModelSpec } from '../../models/models.ts';
import { countRequest, type CountedRequest, countWith } from './count-tokens.ts';
import { CONTEXT_SHARE, type FittedContext, fitContext, fitHistory } from './fit-context.ts';
import type { ModelMessage } from '../types.ts';

export interface FitTask {
  spec: Pick<ModelSpec, 'encoding' | 'contextTokens'>;
  /** The factor by which estimates of this model are corrected. */
  ratio: number;
  request: CountedRequest;
  /** `history`: the request is for a summary, and its messages are shortened until it fits. */
  how: { turnStart: number; dropHistory: boolean; squeeze: boolean } | 'history';
}

/** Shortens a request's messages as `how` says. */
export async function fitMessages({ spec, ratio, request, how }: FitTask): Promise<FittedContext> {
  const { messages } = request;
  const count = await countWith(spec.encoding, ratio);
  const window = spec.contextTokens * CONTEXT_SHARE;
  const fixed = countRequest({ ...request, messages: [] }, count);
  if (how === 'history') {
    const fitted: ModelMessage[] = fitHistory(messages, { budgetTokens: window - fixed, count });
    return { messages: fitted, fits: true };
  }
  // Squeezing halves the tokens of the messages.
  const half = how.squeeze ? countRequest({ ...request, system: '', tools: [] }, count) / 2 : Infinity;
  return fitContext(messages, { ...how, budgetTokens: Math.min(window - fixed, half), count });
}
