/** What the audit log holds. The names are stored: renaming one is a migration. */

/** Everything that is recorded. */
export const AUDIT_ACTIONS = [
  'workflow.graph.write',
  'message.snapshot',
  'message.revert',
  'settings.model.write',
  'session.delete',
  'asset.create',
  'asset.update',
  'asset.delete',
  'confirmation.decide',
] as const;
export type AuditAction = (typeof AUDIT_ACTIONS)[number];

/** Who acts. */
export interface Actor {
  /** The token's `sub`, or its role when it has none; `retention` for a session that retention deletes. */
  actor: string;
  /** The token's role. Null for retention, and for a change whose approval the previous release took. */
  role: string | null;
  /** The id of the request. Null like the role. */
  requestId: string | null;
}
