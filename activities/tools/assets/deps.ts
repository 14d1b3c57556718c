/** What planning and performing a change need. */
import type { recordAct } from '../../../db/audit/audit.ts';
import type * as assetStore from '../../../db/assets/project-assets.ts';

export type AssetStore = typeof assetStore;
export type Db = Parameters<AssetStore['findAsset']>[0];

export interface AssetDeps {
  db: Db;
  store: AssetStore;
  /** Records a change in the audit log. */
  recordAct: typeof recordAct;
  /** The ids of the models that a new agent may run on. */
  models: () => readonly string[];
  defaultModel: string;
}
