/** Checks the arguments of a call before anything is looked up in the project. */
import type { z } from 'zod';
import type { AssetAction, AssetKind } from '../../../contracts/assets.ts';
import { HIDDEN, hideSecrets } from '../../../domain/text/hide-secrets.ts';
import { isDeeperThan, isObject, toStorable, withoutNulls } from '../../../domain/text/json.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { toolFailure, type ToolOutcome } from '../tool.ts';
import { ASSET_FIELDS, MAX_SETTINGS_LEVELS } from './asset-fields.ts';
import { manageProjectAssetInput } from './call-input.ts';

/** The arguments in their checked form, or what is wrong with them. */
export function checkCall(
  args: Record<string, unknown> | null,
): { action: AssetAction; kind: AssetKind; id?: string; data: JsonObject } | { refusal: ToolOutcome } {
  const wrong = (error: string, hint = 'Call manage_project_asset again with arguments that fit.') => ({
    refusal: toolFailure('invalid_arguments', error, hint),
  });
  if (args === null) return wrong('The arguments are no JSON object.', 'Send one JSON object.');
  if (isDeeperThan(args, MAX_SETTINGS_LEVELS * 2)) return wrong('The arguments nest too deep.');
  const given = withoutNulls(toStorable(args as JsonObject) as JsonObject);
  const parsed = manageProjectAssetInput.safeParse(given);
  if (!parsed.success) return wrong(explain(parsed.error));
  const { action, kind, id, data } = parsed.data;
  if (action === 'create' && id !== undefined)
    return wrong('id: the platform gives the id of a new asset; leave it out.');
  if (action !== 'create' && (id === undefined || id.trim() === ''))
    return wrong(`id: required for ${action}.`);
  if (action === 'delete') {
    if (data !== undefined && Object.keys(data).length > 0) return wrong('data: not taken by delete.');
    return { action, kind, id: id!, data: {} };
  }
  if (data === undefined || Object.keys(data).length === 0) return wrong(`data: required for ${action}.`);
  // On create, null means absent. On update, null empties a field, if the schema allows it to be empty.
  const fields = action === 'create' ? withoutNulls(data) : data;
  if (action === 'create' && fields.name === undefined) return wrong('data.name: required for create.');
  const checked = ASSET_FIELDS[kind].partial().safeParse(fields);
  if (!checked.success)
    return wrong(
      explain(checked.error, 'data'),
      `The fields of data for the kind ${kind}: ${Object.keys(ASSET_FIELDS[kind].shape).join(', ')}.`,
    );
  const unseen = findUnseen(checked.data, hideSecrets(checked.data), 'data');
  if (unseen) {
    return wrong(
      `${unseen} holds what looks like a secret, or a hidden value: the user would not see what is set there.`,
      'Leave it out: secrets are entered by the user in the platform, and hidden values stay as they are.',
    );
  }
  return { action, kind, ...(id === undefined ? {} : { id }), data: checked.data };
}

function explain(error: z.ZodError, at = ''): string {
  return error.issues
    .slice(0, 10)
    .map(
      (issue) =>
        `${[at, ...issue.path].filter((part) => part !== '').join('.') || 'arguments'}: ${issue.message}`,
    )
    .join('; ');
}

/**
 * The path of the first value that the question would hide, because of its own shape or of a key above it; null when the
 * question shows every value. The placeholder of a hidden value counts as hidden: it would overwrite that value.
 */
function findUnseen(value: Json, shown: Json | undefined, path: string): string | null {
  if (typeof value === 'string') return value !== shown || value.includes(HIDDEN) ? path : null;
  if (Array.isArray(value) && Array.isArray(shown)) {
    return firstOf(value.map((item, index) => findUnseen(item, shown[index], `${path}.${index}`)));
  }
  if (isObject(value) && isObject(shown)) {
    return firstOf(Object.keys(value).map((key) => findUnseen(value[key]!, shown[key], `${path}.${key}`)));
  }
  return value === shown ? null : path;
}

function firstOf(paths: (string | null)[]): string | null {
  return paths.find((path) => path !== null) ?? null;
}
