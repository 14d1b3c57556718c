/**
 * What the activities do with a call of manage_project_asset. `plan` checks it and says what a person is to be asked.
 * `perform` makes an approved change.
 */
import type { Confirmation, Decision, Question } from '../../../db/turns/confirmations.ts';
import type { ToolOutcome } from '../tool.ts';
import type { AssetDeps, Db } from './deps.ts';
import { type AssetResult, performChange } from './perform-change.ts';
import { planChange } from './plan-change.ts';

export interface AssetActions {
  /** Checks a call. A refusal is the tool's result; a question is what the user is to be asked. */
  plan(
    args: Record<string, unknown> | null,
    context: { workflowId: string },
  ): Promise<{ refusal: ToolOutcome } | { question: Question }>;
  /** The result of a decided call; makes the change of an approved one. Throws only what a retry may mend. */
  perform(trx: Db, confirmation: Confirmation & { decision: Decision }): Promise<AssetResult>;
}

/** Binds the actions to a database. */
export function createAssetActions(deps: AssetDeps): AssetActions {
  return {
    plan: (args, context) => planChange(deps, args, context),
    perform: (trx, confirmation) => performChange(deps, trx, confirmation),
  };
}
