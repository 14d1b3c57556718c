/** Plans a change: checks the call and words the question for a person. Changes nothing. */
import { randomUUID } from 'node:crypto';
import { ASSET_LABELS, type AssetKind } from '../../../contracts/assets.ts';
import type { StoredAsset } from '../../../db/assets/project-assets.ts';
import type { Question } from '../../../db/turns/confirmations.ts';
import { nearestNames } from '../../../domain/rules/block-registry.ts';
import { jsonEqual } from '../../../domain/text/json.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { isUuid } from '../../../domain/text/uuid.ts';
import { toolFailure, type ToolOutcome } from '../tool.ts';
import { applyChanges, type Change } from './change.ts';
import { checkValues } from './check-values.ts';
import type { AssetDeps } from './deps.ts';
import { checkCall } from './check-call.ts';
import { toQuestion } from './to-question.ts';

/** Similar names are searched for among this many assets. */
const NEAREST_OF = 1_000;

/** Returns the question for a call, or the refusal that is the tool's result. */
export async function planChange(
  deps: AssetDeps,
  args: Record<string, unknown> | null,
  context: { workflowId: string },
): Promise<{ refusal: ToolOutcome } | { question: Question }> {
  const { db, store } = deps;
  const call = checkCall(args);
  if ('refusal' in call) return call;
  const { action, kind, data } = call;
  if (action === 'create') {
    const content = { ...defaultsOf(kind, deps.defaultModel), ...data };
    const wrong = await checkValues(deps, db, kind, content, null);
    if (wrong) return { refusal: wrong };
    const id = randomUUID();
    const change = { action, kind, id, data: content };
    return { question: toQuestion(args!, change, null, { id, ...content }, []) };
  }
  const found = await findByRef(deps, kind, call.id!);
  if ('refusal' in found) return found;
  const { asset } = found;
  if (kind === 'workflow' && asset.id === context.workflowId) {
    return {
      refusal: toolFailure(
        'own_workflow',
        `This is the workflow that is open: its blocks change with modify_workflow, and it can't be ${action}d here.`,
        'Tell the user to do it in the editor.',
      ),
    };
  }
  const covered: Change = { action, kind, id: asset.id };
  if (action === 'delete') {
    const dependents = await store.listDependents(db, kind, asset.id);
    return { question: toQuestion(args!, covered, asset.content, null, dependents) };
  }
  const after = applyChanges(asset.content, data);
  if (jsonEqual(after, asset.content))
    return {
      refusal: toolFailure(
        'nothing_changed',
        `${asset.name} is like that already.`,
        'There is nothing to confirm.',
      ),
    };
  const wrong = await checkValues(deps, db, kind, data, asset.id);
  if (wrong) return { refusal: wrong };
  return { question: toQuestion(args!, { ...covered, data }, asset.content, after, []) };
}

/** Finds an asset by its id or its unique name. */
async function findByRef(
  { db, store }: AssetDeps,
  kind: AssetKind,
  ref: string,
): Promise<{ asset: StoredAsset } | { refusal: ToolOutcome }> {
  const label = ASSET_LABELS[kind];
  if (isUuid(ref)) {
    const asset = await store.findAsset(db, kind, ref.toLowerCase());
    if (asset) return { asset };
  }
  const named = await store.findAssetIdsByName(db, kind, ref.trim());
  if (named.length > 1)
    return {
      refusal: toolFailure('ambiguous', `Several ${label}s are named ${ref.slice(0, 60)}.`, 'Give the id.'),
    };
  const asset = named[0] === undefined ? null : await store.findAsset(db, kind, named[0]);
  if (asset) return { asset };
  const nearest = nearestNames(ref.slice(0, 80), await store.listAssetNames(db, kind, NEAREST_OF), 3);
  return {
    refusal: toolFailure(
      'not_found',
      `There is no ${label} ${ref.slice(0, 60)}.`,
      `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}list_project_assets lists them.`,
    ),
  };
}

function defaultsOf(kind: AssetKind, defaultModel: string): JsonObject {
  switch (kind) {
    case 'agent':
      return { model: defaultModel, system_prompt: '', settings: {}, knowledge_bases: [] };
    case 'knowledge_base':
      return { description: null, indexing_config: {}, retrieval_config: {}, sources: [] };
    case 'orchestration':
      return { description: null, strategy: 'supervisor', entities: [] };
    case 'workflow':
      return { description: null };
  }
}
