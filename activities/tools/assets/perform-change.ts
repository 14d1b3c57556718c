/** Performs an approved change in the transaction that stores its result. The asset must still be as it was shown. */
import { codeOf } from '../../../contracts/thrown-codes.ts';
import { ASSET_LABELS, type AssetKind } from '../../../contracts/assets.ts';
import type { Confirmation, Decision } from '../../../db/turns/confirmations.ts';
import { applyChanges, type Change, changedKeys, fingerprintOf } from './change.ts';
import { checkValues } from './check-values.ts';
import type { AssetDeps, Db } from './deps.ts';

/** The result of a settled call. */
export interface AssetResult {
  status: 'created' | 'updated' | 'deleted' | 'rejected' | 'expired' | 'conflict';
  kind: AssetKind;
  /** Absent for an asset that was not created. */
  id?: string;
  /** Changes whenever the asset's content changes. Only a created or updated asset has one. */
  version?: string;
  reason?: string;
  /** What the model is to do when nothing was changed. */
  hint?: string;
}

const HINTS = {
  rejected:
    'The user declined this change. Do not ask for it again; unless the reason says what to do instead, ask the user.',
  expired: 'Nobody answered in time. Tell the user, and call again only when the user asks for it.',
  conflict: 'Look the asset up again with get_asset_details, then decide whether to call again.',
};

/** Thrown inside the savepoint: the approved change is not possible any more. */
class Conflict extends Error {}

/** The result of a decided call. Makes the change of an approved one. Throws only errors that a retry may mend. */
export async function performChange(
  deps: Pick<AssetDeps, 'store' | 'models' | 'recordAct'>,
  trx: Db,
  confirmation: Confirmation & { decision: Decision },
): Promise<AssetResult> {
  const { store } = deps;
  const { action, kind, data } = confirmation.change as unknown as Change;
  const id = confirmation.assetId;
  const refused = (status: keyof typeof HINTS, reason: string | null): AssetResult => ({
    status,
    kind,
    ...(action === 'create' ? {} : { id }),
    ...(reason === null ? {} : { reason }),
    hint: HINTS[status],
  });
  const { decision, decidedBy, reason } = confirmation;
  if (decision !== 'approved') return refused(decision, reason);
  if (decidedBy === null) return refused('conflict', 'Nobody is recorded as having approved this change.');
  try {
    // The savepoint keeps the transaction usable when the change fails, so that its result can still be stored.
    return await trx.transaction(async (change) => {
      // The person who approved the change acts; the worker only makes it.
      await deps.recordAct(change, decidedBy, { action: `asset.${action}`, target: id });
      if (typeof data?.name === 'string') await store.lockAssetName(change, kind, data.name);
      const asset = action === 'create' ? null : await store.findAsset(change, kind, id, true);
      if (action !== 'create' && !asset)
        throw new Conflict(`The ${ASSET_LABELS[kind]} does not exist any more.`);
      const dependents = action === 'delete' ? await store.listDependents(change, kind, id) : [];
      if (fingerprintOf(asset?.content ?? null, dependents) !== confirmation.fingerprint) {
        throw new Conflict(
          action === 'delete'
            ? `The ${ASSET_LABELS[kind]}, or what depends on it, changed after the question was asked.`
            : `The ${ASSET_LABELS[kind]} changed after the question was asked.`,
        );
      }
      if (action === 'delete') {
        await store.deleteAsset(change, kind, id);
        return { status: 'deleted', kind, id } as const;
      }
      const wrong = await checkValues(deps, change, kind, data!, action === 'create' ? null : id);
      if (wrong) throw new Conflict((wrong.result as { error: string }).error);
      if (action === 'create') await store.insertAsset(change, kind, id, data!);
      else
        await store.updateAsset(
          change,
          kind,
          id,
          changedKeys(asset!.content, applyChanges(asset!.content, data!)),
        );
      const now = await store.findAsset(change, kind, id);
      return {
        status: action === 'create' ? 'created' : 'updated',
        kind,
        id,
        version: fingerprintOf(now!.content, []).slice(0, 12),
      } as const;
    });
  } catch (error: unknown) {
    if (error instanceof Conflict) return refused('conflict', `${error.message} Nothing was changed.`);
    // SQLSTATE class 23: a constraint of the platform refuses the change that was shown.
    if (codeOf(error)?.startsWith('23')) {
      return refused('conflict', 'The project does not allow this change. Nothing was changed.');
    }
    throw error;
  }
}
