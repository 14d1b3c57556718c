/** Checks the values of a change against the project: names, models and linked ids. */
import { ASSET_LABELS, type AssetKind } from '../../../contracts/assets.ts';
import { nearestNames } from '../../../domain/rules/block-registry.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { toolFailure, type ToolOutcome } from '../tool.ts';
import type { AssetDeps, Db } from './deps.ts';

/** The tool's refusal when a value of the change is wrong; else null. */
export async function checkValues(
  { store, models: listModels }: Pick<AssetDeps, 'store' | 'models'>,
  at: Db,
  kind: AssetKind,
  data: JsonObject,
  ownId: string | null,
): Promise<ToolOutcome | null> {
  if (typeof data.name === 'string') {
    const taken = await store.findAssetIdsByName(at, kind, data.name);
    if (taken.some((id) => id !== ownId)) {
      return toolFailure(
        'duplicate_name',
        `The name ${data.name} is taken by another ${ASSET_LABELS[kind]}.`,
        'Choose another name, or update that one.',
      );
    }
  }
  if (typeof data.model === 'string') {
    const models = listModels();
    if (!models.includes(data.model) && !(await store.isModelInUse(at, data.model))) {
      const nearest = nearestNames(data.model, models, 3);
      return toolFailure(
        'unknown_model',
        `There is no model ${data.model.slice(0, 60)}.`,
        `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}All: ${models.join(', ')}.`,
      );
    }
  }
  const links: [AssetKind | 'source', unknown][] = [
    ['knowledge_base', data.knowledge_bases],
    ['source', data.sources],
  ];
  for (const entity of Array.isArray(data.entities) ? (data.entities as JsonObject[]) : []) {
    if (entity.entity_ref_id === ownId && ownId !== null)
      return toolFailure('invalid_arguments', 'An orchestration can not be its own entity.');
    links.push([entity.entity_type as AssetKind, [entity.entity_ref_id]]);
  }
  for (const [linked, wanted] of links) {
    const missing = await store.findMissingIds(at, linked, (wanted ?? []) as string[]);
    if (missing.length > 0) {
      return toolFailure(
        `unknown_${linked}`,
        `No ${linked === 'source' ? 'source' : ASSET_LABELS[linked]} has the id ${missing.slice(0, 5).join(', ')}.`,
        'Look the ids up with list_project_assets.',
      );
    }
  }
  return null;
}
