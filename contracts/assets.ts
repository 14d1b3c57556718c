/** The assets that manage_project_asset may change. Sources are not among them: files are uploaded elsewhere. */
export const ASSET_KINDS = ['agent', 'knowledge_base', 'orchestration', 'workflow'] as const;
export type AssetKind = (typeof ASSET_KINDS)[number];

export const ASSET_ACTIONS = ['create', 'update', 'delete'] as const;
export type AssetAction = (typeof ASSET_ACTIONS)[number];

/** The names of the kinds for people. */
export const ASSET_LABELS: Readonly<Record<AssetKind, string>> = {
  agent: 'agent',
  knowledge_base: 'knowledge base',
  orchestration: 'orchestration',
  workflow: 'workflow',
};
