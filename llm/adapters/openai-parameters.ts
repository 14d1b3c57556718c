/** The parameters that OpenAI's two APIs share: each is sent only where the model, and the server, takes it. */
import type { ModelSpec } from '../../models/models.ts';
import type { ModelRequest } from '../types.ts';

const TEMPERATURE = 0.7;

/** `sendsCacheKey`: whether the server takes prompt_cache_key. */
export function sharedParameters(
  { tools, toolChoice, cacheKey }: ModelRequest,
  model: ModelSpec | undefined,
  sendsCacheKey: boolean,
) {
  return {
    // Both are refused in a request without tools.
    ...(tools.length > 0 ? { tool_choice: toolChoice } : {}),
    ...(tools.length > 0 && model?.parallelToolCalls ? { parallel_tool_calls: true } : {}),
    ...(model?.temperature ? { temperature: TEMPERATURE } : {}),
    ...(sendsCacheKey && model?.promptCaching === 'key' && cacheKey !== undefined
      ? { prompt_cache_key: cacheKey }
      : {}),
  };
}
