/** The dependencies of the turn control. */
import type { Client } from '@temporalio/client';
import type { Knex } from 'knex';
import type { PromptVersion } from '../../contracts/names.ts';
import type { Catalogue } from '../../models/catalogue.ts';
import type { StartLimits } from '../../db/limits/start-limits.ts';
import type { Budgets } from '../../runtime/config.ts';
import type { Logger } from '../../runtime/logger.ts';
import type { Turn } from '../../db/turns/turn.ts';
import type { TemporalIdentity } from '../../db/temporal/temporal-identity.ts';

/** What was found wrong with a turn, and corrected. `failed`: the turn could not be checked. */
export type Finding = 'turn_ended' | 'start_promoted' | 'start_deleted' | 'decision_sent' | 'failed';

export interface TurnControlOptions {
  db: Knex;
  client: Client;
  /** Checks that the client's namespace is the one in which the database's turns run. */
  identity: TemporalIdentity;
  taskQueue: string;
  /** The address of a turn in the Temporal UI; null when the UI's address is not known. */
  linkToTurn: (turn: Turn) => string | null;
  catalogue: Catalogue;
  /** The model that goes on with a turn whose model fails; null for none. */
  fallbackModel: string | null;
  /** The prompt of new turns. */
  promptVersion: PromptVersion;
  limits: StartLimits;
  budgets: Budgets;
  /** True when the client shares its native connection with a worker of this process. */
  eagerStart: boolean;
  /** Whether the server knows our search attributes. */
  searchAttributes: () => Promise<boolean>;
  /** The JSON text of the diff of two graphs' JSON texts; null when they are equal. */
  diffGraphs: (texts: { base: string; working: string }) => Promise<string | null>;
  /** Called for each finding. */
  onFinding?: (finding: Finding) => void;
  logger: Logger;
}
