import type { Knex } from 'knex';
import type { PlanRevert } from '../db/sessions/snapshots.ts';
import type { Config } from '../runtime/config.ts';
import type { Logger } from '../runtime/logger.ts';
import type { TurnEventHub } from './event-stream/turn-event-hub.ts';
import type { TurnControl } from './turns/turn-control.ts';

/** Everything the API's routers work with. Made by run-api.ts, which also closes it. */
export interface ApiDeps {
  db: Knex;
  config: Config;
  /** The HS256 key of the tokens. */
  jwtSecret: Uint8Array;
  logger: Logger;
  turns: TurnControl;
  hub: TurnEventHub;
  /** How a revert is planned; absent: at once. */
  planRevert?: PlanRevert;
  /** The folder that holds the built page; absent: the one of this checkout. */
  studioFolder?: string;
  /** Whether Postgres and Temporal answer and the migrations are current; problems are sentences for an operator. */
  readiness: () => Promise<{ ok: boolean; problems: string[] }>;
}
