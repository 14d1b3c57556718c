/** The context windows of a deployment's models, and what is known of how their tokens count. */
import type { Catalogue } from '../contracts/models.ts';
import { type CountedRequest, countRequest, createTokenCounter, maxTokens } from './count-tokens.ts';
import { CONTEXT_SHARE, type FittedContext, fitContext, fitHistory } from './fit-context.ts';
import type { ModelMessage } from './types.ts';

/** Creates the windows; what is learned of a model stays in this process. */
export function createContextWindow(catalogue: Pick<Catalogue, 'find'>) {
  const counter = createTokenCounter();
  return {
    async fit(
      model: string,
      request: CountedRequest,
      how: { turnStart: number; dropHistory: boolean; squeeze: boolean },
    ): Promise<FittedContext> {
      const spec = catalogue.find(model);
      const { messages } = request;
      if (!spec) return { messages: [...messages], fits: true };
      const window = spec.contextTokens * CONTEXT_SHARE;
      if (!how.squeeze && maxTokens(request) <= window) return { messages: [...messages], fits: true };
      const count = await counter.forModel(spec);
      const fixed = countRequest({ ...request, messages: [] }, count);
      // Half of what the messages are, which is counted only here.
      const half = how.squeeze ? countRequest({ ...request, system: '', tools: [] }, count) / 2 : Infinity;
      const budgetTokens = Math.min(window - fixed, half);
      return fitContext(messages, { ...how, budgetTokens, count });
    },
    async fitHistory(model: string, request: CountedRequest): Promise<ModelMessage[]> {
      const spec = catalogue.find(model);
      const { messages } = request;
      if (!spec) return [...messages];
      const count = await counter.forModel(spec);
      const fixed = countRequest({ ...request, messages: [] }, count);
      return fitHistory(messages, { budgetTokens: spec.contextTokens * CONTEXT_SHARE - fixed, count });
    },
    learn(model: string, request: CountedRequest, reportedTokens: number): void {
      const spec = catalogue.find(model);
      if (spec) counter.learn(spec, request, reportedTokens);
    },
  };
}
