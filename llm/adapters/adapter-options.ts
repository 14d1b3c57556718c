import type { Catalogue } from '../../models/catalogue.ts';
import type { StreamLimits } from './watchdog.ts';

export interface AdapterOptions {
  /** Says of each model what its requests may carry. */
  catalogue: Pick<Catalogue, 'find'>;
  limits?: StreamLimits;
  /** Whether the server takes prompt_cache_key. */
  sendsCacheKey?: boolean;
}
