/** Words the question that a person is asked. */
import { createHash } from 'node:crypto';
import { ASSET_LABELS } from '../../../contracts/assets.ts';
import type { Question } from '../../../db/turns/confirmations.ts';
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import { hideSecrets } from '../../../domain/text/hide-secrets.ts';
import { toStorable } from '../../../domain/text/json.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { visibleJson, visibleText } from '../../../domain/text/spell-out-hidden.ts';
import { type Change, changedKeys, fingerprintOf } from './change.ts';

const MAX_LISTED = 20;

/** Words the question of a change. Secrets are hidden; invisible characters are spelled out. */
export function toQuestion(
  args: Record<string, unknown>,
  change: Change,
  before: JsonObject | null,
  after: JsonObject | null,
  dependents: readonly string[],
): Question {
  const shown = (content: JsonObject | null): Json => content && visibleJson(hideSecrets(content));
  return {
    arguments: visibleJson(toStorable(args as JsonObject)) as JsonObject,
    argumentsHash: createHash('sha256').update(canonicalJson(args)).digest('hex'),
    change: change as unknown as JsonObject,
    summary: visibleText(summarize(change, before, after, dependents)),
    before: shown(before),
    after: shown(after),
    assetId: change.id,
    fingerprint: fingerprintOf(before, dependents),
  };
}

function summarize(
  { action, kind, data }: Change,
  before: JsonObject | null,
  after: JsonObject | null,
  dependents: readonly string[],
): string {
  const label = ASSET_LABELS[kind];
  const { name } = (before ?? after) as { name: string };
  if (action === 'create') return `Create the ${label} "${name}".`;
  if (action === 'update') {
    const changed = changedKeys(before!, after!);
    const keys = Object.keys(data ?? {}).filter((key) => Object.hasOwn(changed, key));
    return `Change ${keys.join(', ')} of the ${label} "${name}".`;
  }
  const more = dependents.length - MAX_LISTED;
  const shown = [...dependents.slice(0, MAX_LISTED), ...(more > 0 ? [`and ${more} more`] : [])];
  const what = `Delete the ${label} "${name}". This can't be undone.`;
  return shown.length === 0 ? `${what} Nothing else depends on it.` : `${what} With it: ${shown.join('; ')}.`;
}
