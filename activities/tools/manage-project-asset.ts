/**
 * manage_project_asset, in two halves. `plan` checks a call and says what a person is to be asked; nothing changes.
 * `perform` makes an approved change, inside the transaction that also stores its result, and only while the asset is
 * as it was shown.
 */
import { createHash, randomUUID } from 'node:crypto';
import { z } from 'zod';
import {
  ASSET_ACTIONS,
  ASSET_KINDS,
  ASSET_LABELS,
  type AssetAction,
  type AssetKind,
} from '../../contracts/assets.ts';
import type * as assetStore from '../../db/assets/project-assets.ts';
import type { Confirmation, Decision, Question } from '../../db/turns/confirmations.ts';
import { nearestNames } from '../../domain/rules/block-registry.ts';
import { canonicalJson } from '../../domain/text/canonical-json.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { HIDDEN, hideSecrets } from '../../domain/text/hide-secrets.ts';
import { isDeeperThan, isObject, jsonEqual, mergePatch, toStorable } from '../../domain/text/json.ts';
import { hiddenCharacters, visibleJson, visibleText } from '../../domain/text/spell-out-hidden.ts';
import { defineTool, toolFailure, type ToolOutcome } from './registry.ts';

type Store = typeof assetStore;
type Db = Parameters<Store['findAsset']>[0];

const MAX_NAME_CHARS = 255;
const MAX_PROMPT_CHARS = 100_000;
const MAX_LINKS = 100;
/** Settings nest no deeper than what any body may. */
const MAX_SETTINGS_LEVELS = 20;
const MAX_LISTED = 20;
const NEAREST_OF = 1_000;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const name = z
  .string()
  .trim()
  .min(1)
  .max(MAX_NAME_CHARS)
  .refine((text) => !/[\r\n\t]/.test(text), 'must be one line')
  .superRefine((text, ctx) => {
    const hidden = hiddenCharacters(text);
    if (hidden.length > 0)
      ctx.addIssue({
        code: 'custom',
        message: `holds what can not be seen: ${hidden.slice(0, 5).join(', ')}`,
      });
  });
const text = (max: number) => z.string().max(max);
const uuid = z
  .string()
  .regex(UUID, 'must be an id as list_project_assets gives it')
  .transform((id) => id.toLowerCase());
const ids = z
  .array(uuid)
  .max(MAX_LINKS)
  .transform((list) => [...new Set(list)]);
const settings = z
  .record(z.string(), z.json())
  .refine((value) => !isDeeperThan(value, MAX_SETTINGS_LEVELS), 'nests too deep');
const agentSettings = settings.refine(
  ({ temperature }) =>
    temperature === undefined ||
    temperature === null ||
    (typeof temperature === 'number' && temperature >= 0 && temperature <= 2),
  'temperature must be a number from 0 to 2',
);

const DATA = {
  agent: z.strictObject({
    name,
    model: z.string().trim().min(1).max(MAX_NAME_CHARS),
    system_prompt: text(MAX_PROMPT_CHARS),
    settings: agentSettings,
    knowledge_bases: ids,
  }),
  knowledge_base: z.strictObject({
    name,
    description: text(10_000).nullable(),
    sources: ids,
    indexing_config: settings,
    retrieval_config: settings,
  }),
  orchestration: z.strictObject({
    name,
    description: text(10_000).nullable(),
    strategy: z.string().regex(/^[a-z][a-z0-9_]{0,49}$/, 'must be a strategy such as supervisor'),
    entities: z
      .array(
        z.strictObject({
          entity_type: z.enum(['agent', 'knowledge_base', 'orchestration', 'workflow']),
          entity_ref_id: uuid,
          role_description: text(10_000)
            .nullish()
            .transform((value) => value ?? null),
        }),
      )
      .max(MAX_LINKS),
  }),
  workflow: z.strictObject({ name, description: text(10_000).nullable() }),
} as const satisfies Record<AssetKind, z.ZodObject>;

/** Fields of an asset that merge with what is there (RFC 7396), because nobody can repeat what is hidden from them. */
const MERGED = ['settings', 'indexing_config', 'retrieval_config'];

const input = z.object({
  action: z.enum(ASSET_ACTIONS),
  kind: z.enum(ASSET_KINDS),
  id: z.string().optional().describe('For update and delete: the id of the asset, or its unique name'),
  data: z
    .record(z.string(), z.json())
    .optional()
    .describe(
      'agent: {name, model, system_prompt, settings, knowledge_bases: [id]}; knowledge_base: {name, description, sources: [id], indexing_config, retrieval_config}; orchestration: {name, description, strategy, entities: [{entity_type, entity_ref_id, role_description}]}; workflow: {name, description}. update takes the changed keys only.',
    ),
});
type Arguments = z.infer<typeof input>;

/** The tool as the model sees it. It never runs by itself: the turn asks the user first (activities/ask-confirmation.ts). */
export const manageProjectAssetTool = defineTool<Arguments>({
  name: 'manage_project_asset',
  description: `Creates, updates or deletes an agent, knowledge base, orchestration or workflow of the project. The user is shown exactly what will happen and must confirm it; the call waits for that, up to a day. Use it only when the user asked for such a change, and look up ids with list_project_assets first. Not for blocks on the canvas (modify_workflow), not for the workflow that is open, not for uploading files.
Example: {"action":"create","kind":"agent","data":{"name":"Support","model":"gpt-4.1","system_prompt":"You answer customers' questions."}}`,
  input,
  preview: (args) => `${args.action} ${ASSET_LABELS[args.kind]}`,
  run: () =>
    Promise.resolve(
      toolFailure('needs_confirmation', 'This tool works only with a confirmation of the user.'),
    ),
});

/** What the model is told of a settled call. */
export interface AssetResult {
  status: 'created' | 'updated' | 'deleted' | 'rejected' | 'expired' | 'conflict';
  kind: AssetKind;
  id: string | null;
  /** Changes with the asset's content; null where there is no asset. */
  version: string | null;
  reason?: string;
}

export interface AssetActions {
  /** Checks a call. A refusal is the tool's result; a question is what the user is to be asked. */
  plan(
    args: Record<string, unknown> | null,
    context: { workflowId: string },
  ): Promise<{ refusal: ToolOutcome } | { question: Question }>;
  /** The result of a decided call; makes the change of an approved one. Throws only what a retry may mend. */
  perform(trx: Db, confirmation: Confirmation & { decision: Decision }): Promise<AssetResult>;
}

/** Thrown inside `perform`'s savepoint: what was approved can't be done any more. */
class Conflict extends Error {}

/** Binds the actions to a database. `models` are the ids that a new agent may run on. */
export function createAssetActions(deps: {
  db: Db;
  store: Store;
  models: () => readonly string[];
  defaultModel: string;
}): AssetActions {
  const { db, store } = deps;

  /** What is wrong with the values of a change, as the model is told it; null when nothing is. */
  const checkValues = async (
    at: Db,
    kind: AssetKind,
    data: JsonObject,
    ownId: string | null,
  ): Promise<ToolOutcome | null> => {
    if (typeof data.name === 'string') {
      const taken = await store.findAssetIdsByName(at, kind, data.name);
      if (taken.some((id) => id !== ownId)) {
        return toolFailure(
          'duplicate_name',
          `There is a ${ASSET_LABELS[kind]} named ${data.name} already.`,
          'Choose another name, or update that one.',
        );
      }
    }
    if (typeof data.model === 'string') {
      const models = deps.models();
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
  };

  const find = async (
    kind: AssetKind,
    ref: string,
  ): Promise<{ asset: assetStore.StoredAsset } | { refusal: ToolOutcome }> => {
    const label = ASSET_LABELS[kind];
    if (UUID.test(ref)) {
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
  };

  return {
    async plan(args, context) {
      const call = readCall(args);
      if ('refusal' in call) return call;
      const { action, kind, data } = call;
      if (action === 'create') {
        const content = { ...defaultsOf(kind, deps.defaultModel), ...data };
        const wrong = await checkValues(db, kind, content, null);
        if (wrong) return { refusal: wrong };
        const id = randomUUID();
        const change = { action, kind, id, data: content };
        return { question: toQuestion(args!, change, null, { id, ...content }, []) };
      }
      const found = await find(kind, call.id!);
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
      const wrong = await checkValues(db, kind, data, asset.id);
      if (wrong) return { refusal: wrong };
      return { question: toQuestion(args!, { ...covered, data }, asset.content, after, []) };
    },

    async perform(trx, confirmation) {
      const { action, kind, data } = confirmation.change as unknown as Change;
      const id = confirmation.assetId;
      const refused = (
        status: 'rejected' | 'expired' | 'conflict',
        reason: string | null,
        version: string | null = null,
      ): AssetResult => ({
        status,
        kind,
        id: action === 'create' ? null : id,
        version,
        ...(reason === null ? {} : { reason }),
      });
      if (confirmation.decision !== 'approved') return refused(confirmation.decision, confirmation.reason);
      try {
        // A savepoint: a fault of the change must not take the record of it along.
        return await trx.transaction(async (change) => {
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
            return { status: 'deleted', kind, id, version: null } as const;
          }
          const wrong = await checkValues(change, kind, data!, action === 'create' ? null : id);
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
        // Class 23: the platform's own constraints. Whatever they say, the change can't be made as it was shown.
        if (String((error as { code?: unknown }).code).startsWith('23')) {
          return refused('conflict', 'The project does not allow this change. Nothing was changed.');
        }
        throw error;
      }
    },
  };
}

/** What an approval covers: the call in its checked form, defaults included. */
interface Change {
  action: AssetAction;
  kind: AssetKind;
  id: string;
  data?: JsonObject;
}

/** The arguments in their checked form, or what is wrong with them. */
function readCall(
  args: Record<string, unknown> | null,
): { action: AssetAction; kind: AssetKind; id?: string; data: JsonObject } | { refusal: ToolOutcome } {
  const wrong = (error: string, hint = 'Call manage_project_asset again with arguments that fit.') => ({
    refusal: toolFailure('invalid_arguments', error, hint),
  });
  if (args === null) return wrong('The arguments are no JSON object.', 'Send one JSON object.');
  if (isDeeperThan(args, MAX_SETTINGS_LEVELS * 2)) return wrong('The arguments nest too deep.');
  const given = Object.fromEntries(
    Object.entries(toStorable(args as JsonObject) as JsonObject).filter(([, value]) => value !== null),
  );
  const parsed = input.safeParse(given);
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
  // Null means absent on create. On update it empties what may be empty, which the schema knows.
  const fields =
    action === 'create' ? Object.fromEntries(Object.entries(data).filter(([, v]) => v !== null)) : data;
  if (action === 'create' && fields.name === undefined) return wrong('data.name: required for create.');
  const checked = DATA[kind].partial().safeParse(fields);
  if (!checked.success) return wrong(explain(checked.error, 'data'));
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
 * The path of the first value that the question would not show as the call sets it, by its own shape or by a key above
 * it; null when all of it is shown. A placeholder of a hidden value counts: it would overwrite that value.
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

/** The whole content after an update. */
function applyChanges(content: JsonObject, changes: JsonObject): JsonObject {
  const after = { ...content };
  for (const [key, value] of Object.entries(changes)) {
    after[key] = MERGED.includes(key) ? mergePatch(content[key], value) : value;
  }
  // Sets have no order; they are kept in the one in which they are read.
  for (const key of ['knowledge_bases', 'sources']) {
    if (Array.isArray(after[key])) after[key] = [...(after[key] as string[])].sort();
  }
  return after;
}

function changedKeys(before: JsonObject, after: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(after).filter(([key, value]) => !jsonEqual(before[key], value)));
}

/** What is hashed is the content itself, not what is shown of it: a change of a hidden value is a change. */
function fingerprintOf(content: JsonObject | null, dependents: readonly string[]): string {
  return createHash('sha256')
    .update(canonicalJson([content, dependents]))
    .digest('hex');
}

function toQuestion(
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
