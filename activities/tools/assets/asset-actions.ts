/**
 * The two actions of manage_project_asset. `plan` checks a call and words the question for a person. `perform` makes an
 * approved change.
 */
import type { Confirmation, Decision, Question } from '../../../db/turns/confirmations.ts';
import type { ToolOutcome } from '../tool.ts';
import type { AssetDeps, Db } from './deps.ts';
import { type AssetResult, performChange } from './perform-change.ts';
import { planChange } from './plan-change.ts';

export interface AssetActions {
  /** Checks a call. Returns the refusal that is the tool's result, or the question for the user. */
  plan(
    args: Record<string, unknown> | null,
    context: { workflowId: string },
  ): Promise<{ refusal: ToolOutcome } | { question: Question }>;
  /** The result of a decided call. Makes the change of an approved one. Throws only errors that a retry may mend. */
  perform(trx: Db, confirmation: Confirmation & { decision: Decision }): Promise<AssetResult>;
}

/** Binds the actions to a database. */
export function createAssetActions(deps: AssetDeps): AssetActions {
  return {
    plan: (args, context) => planChange(deps, args, context),
    perform: (trx, confirmation) => performChange(deps, trx, confirmation),
  };
}
