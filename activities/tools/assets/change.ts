/** A change of an asset: what an approval covers, and the content after the change. */
import { createHash } from 'node:crypto';
import type { AssetAction, AssetKind } from '../../../contracts/assets.ts';
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import { jsonEqual, mergePatch } from '../../../domain/text/json.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { MERGED_FIELDS } from './asset-fields.ts';

/** What an approval covers: the call in its checked form, defaults included. */
export interface Change {
  action: AssetAction;
  kind: AssetKind;
  id: string;
  data?: JsonObject;
}

/** The whole content after an update. */
export function applyChanges(content: JsonObject, changes: JsonObject): JsonObject {
  const after = { ...content };
  for (const [key, value] of Object.entries(changes)) {
    after[key] = MERGED_FIELDS.includes(key) ? mergePatch(content[key], value) : value;
  }
  // Sets have no order; they are stored in the order in which they are read.
  for (const key of ['knowledge_bases', 'sources']) {
    if (Array.isArray(after[key])) after[key] = [...(after[key] as string[])].sort();
  }
  return after;
}

/** The keys whose value an update changes, with the new values. */
export function changedKeys(before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => !jsonEqual(before[key], value)));
}

/** Hashes the content with its hidden values, so that a change of a hidden value is noticed. */
export function fingerprintOf(content: JsonObject | null, dependents: readonly string[]): string {
  return createHash('sha256')
    .update(canonicalJson([content, dependents]))
    .digest('hex');
}
