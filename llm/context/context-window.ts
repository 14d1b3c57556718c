/** The context windows of a deployment's models, with corrections of their token estimates. */
import type { Catalogue } from '../../models/catalogue.ts';
import type { ThreadPool } from '../../runtime/thread-pool.ts';
import { type CountedRequest, createTokenCounter, maxTokens } from './count-tokens.ts';
import { CONTEXT_SHARE, type FittedContext } from './fit-context.ts';
import { fitMessages, type FitTask } from './fit-task.ts';
import type { ModelMessage } from '../types.ts';

/** Up to this many bytes of text are counted on the main thread, in a few milliseconds. */
const SMALL_BYTES = 32 * 1024;

/** Creates the windows. Corrections stay in this process. Long requests are counted in `pool`. */
export function createContextWindow(
  catalogue: Pick<Catalogue, 'find'>,
  pool: Pick<ThreadPool, 'run'> | null = null,
) {
  const counter = createTokenCounter();
  const run = (task: FitTask): Promise<FittedContext> => {
    const bytes = maxTokens(task.request);
    return pool === null || bytes <= SMALL_BYTES
      ? fitMessages(task)
      : pool.run('fitMessages', task, { bytes });
  };
  return {
    async fit(
      model: string,
      request: CountedRequest,
      how: { turnStart: number; dropHistory: boolean; squeeze: boolean },
    ): Promise<FittedContext> {
      const spec = catalogue.find(model);
      const { system, tools, messages } = request;
      if (!spec) return { messages: [...messages], fits: true };
      const window = spec.contextTokens * CONTEXT_SHARE;
      if (!how.squeeze && maxTokens(request) <= window) return { messages: [...messages], fits: true };
      const { encoding, contextTokens } = spec;
      return run({
        spec: { encoding, contextTokens },
        ratio: counter.ratioOf(spec),
        request: { system, tools, messages },
        how,
      });
    },
    async fitHistory(model: string, request: CountedRequest): Promise<ModelMessage[]> {
      const spec = catalogue.find(model);
      const { system, tools, messages } = request;
      if (!spec) return [...messages];
      const { encoding, contextTokens } = spec;
      const fitted = await run({
        spec: { encoding, contextTokens },
        ratio: counter.ratioOf(spec),
        request: { system, tools, messages },
        how: 'history',
      });
      return fitted.messages;
    },
    learn(model: string, request: CountedRequest, reportedTokens: number): void {
      const spec = catalogue.find(model);
      if (spec) counter.learn(spec, request, reportedTokens);
    },
  };
}
