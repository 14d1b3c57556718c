/** The parameters that OpenAI's two APIs share. Each is sent only when the model and the server take it. */
import type { ModelSpec } from '../../models/models.ts';
import type { ModelRequest } from '../types.ts';

const TEMPERATURE = 0.7;

/** Builds the parameters. `sendsCacheKey` says whether the server takes prompt_cache_key. */
export function sharedParameters(
  { tools, toolChoice, cacheKey }: ModelRequest,
  model: ModelSpec | undefined,
  sendsCacheKey: boolean,
) {
  return {
    // A request without tools is refused when it has either parameter.
    ...(tools.length > 0 ? { tool_choice: toolChoice } : {}),
    ...(tools.length > 0 && model?.parallelToolCalls ? { parallel_tool_calls: true } : {}),
    ...(model?.temperature ? { temperature: TEMPERATURE } : {}),
    ...(sendsCacheKey && model?.promptCaching === 'key' && cacheKey !== undefined
      ? { prompt_cache_key: cacheKey }
      : {}),
  };
}
