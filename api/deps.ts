import type { Knex } from 'knex';
import type { PlanRevert } from '../db/sessions/snapshots.ts';
import type { Config } from '../runtime/config.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Metrics } from '../runtime/metrics/metrics.ts';
import type { TurnEventHub } from './event-stream/turn-event-hub.ts';
import type { RequestLimits } from './limits/request-limits.ts';
import type { TurnControl } from './turns/turn-control.ts';

/** Everything that the API's routes work with. run-api.ts creates and closes it. */
export interface ApiDeps {
  db: Knex;
  config: Config;
  /** The HS256 key of the tokens. */
  jwtSecret: Uint8Array;
  logger: Logger;
  metrics: Pick<Metrics, 'requests' | 'requestSeconds' | 'page' | 'contentType'>;
  turns: TurnControl;
  hub: TurnEventHub;
  limits: RequestLimits;
  /** Plans a revert. When absent, reverts are planned on the main thread. */
  planRevert?: PlanRevert;
  /** The folder of the built page. When absent, the folder of this checkout. */
  studioFolder?: string;
  /** Checks that Postgres and Temporal answer and the migrations are current. Problems are sentences for an operator. */
  readiness: () => Promise<{ ok: boolean; problems: string[] }>;
}
