/** The fields that a call may set, by kind of asset. */
import { z } from 'zod';
import type { AssetKind } from '../../../contracts/assets.ts';
import { isDeeperThan } from '../../../domain/text/json.ts';
import { hiddenCharacters } from '../../../domain/text/spell-out-hidden.ts';
import { UUID } from '../../../domain/text/uuid.ts';

const MAX_NAME_CHARS = 255;
const MAX_PROMPT_CHARS = 100_000;
const MAX_LINKS = 100;
/** The most levels of settings: those of any request body. */
export const MAX_SETTINGS_LEVELS = 20;

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

/** Every field of an asset, by kind. */
export const ASSET_FIELDS = {
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

/** Fields that merge with what is stored (RFC 7396), because the model cannot repeat the values that are hidden from it. */
export const MERGED_FIELDS = ['settings', 'indexing_config', 'retrieval_config'];
