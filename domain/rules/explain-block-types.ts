/** Block types as a model is told them: short texts instead of nested objects, and what all types share only once. */
import type { JsonObject } from '../text/json-value.ts';
import type { BlockType, ConfigField } from './block-registry.ts';

/** A model that an agent block may name. */
export interface ModelChoice {
  id: string;
  /** US dollars per million output tokens; null when the price is unknown. */
  outputPrice: number | null;
  temperature: boolean;
}

/** What holds for every type. */
const COMMON = [
  'outputs: write the name of the block for Name. Blocks without handles have one plain output, whose edges carry no sourceHandle.',
  'Branches may meet in one block. A reference to a block that did not run, or to a missing field, stays in the text as it is written; in a condition it makes its branch false, whatever the operator.',
  'Not known here means that only the platform decides; do not rely on a guess, and tell the user where it matters. For all types: whether a block where branches meet waits for all of them, what runs below a disabled block, whether several plain edges run in parallel (a split does), whether a field that is one reference keeps its type.',
];

/** The highest output price of a tier, in US dollars per million tokens. */
const TIERS = [
  { tier: 'low', upTo: 5 },
  { tier: 'medium', upTo: 12 },
  { tier: 'high', upTo: Infinity },
];

export interface ExplainedTypes {
  common: readonly string[];
  block_types: JsonObject[];
}

/** Explains types. `models` are those that an inline agent may name. */
export function explainBlockTypes(
  types: readonly BlockType[],
  models: readonly ModelChoice[],
): ExplainedTypes {
  return { common: COMMON, block_types: types.map((type) => explain(type, models)) };
}

function explain(blockType: BlockType, models: readonly ModelChoice[]): JsonObject {
  const { type, purpose, fields, references, notes, example } = blockType;
  const hasHandles = blockType.handles(example).length > 0;
  return {
    type,
    purpose,
    ...(fields.length > 0 ? { config: Object.fromEntries(fields.map(toEntry)) } : {}),
    ...(type === 'agent' && models.length > 0 ? { models: listModels(models) } : {}),
    ...(hasHandles ? { handles: blockType.handleRule } : {}),
    ...(Object.keys(references).length > 0 ? { outputs: { ...references } } : {}),
    ...(notes.length > 0 ? { notes: [...notes] } : {}),
    ...(Object.keys(example).length > 0 ? { example } : {}),
  };
}

/** A field as one line: its kind and limits, then what it means. */
function toEntry(field: ConfigField): [string, string] {
  const { name, type, min, max, description } = field;
  const range =
    min === undefined && max === undefined
      ? ''
      : max === undefined
        ? ` from ${min}`
        : ` ${min ?? 'up'} to ${max}`;
  const traits = [
    field.enum ? field.enum.join('|') : `${type}${range}`,
    ...(field.required ? ['required'] : []),
    ...(field.default === undefined ? [] : [`default ${JSON.stringify(field.default)}`]),
    ...(field.literal ? ['written out'] : []),
    ...(field.serverOwned ? ['never set it'] : []),
  ];
  return [name, `${traits.join(', ')}. ${description}`];
}

/** The models by tier of price, each with what is special about it. */
function listModels(models: readonly ModelChoice[]): string {
  const named = ({ id, temperature }: ModelChoice): string => (temperature ? id : `${id}*`);
  const tiers = TIERS.map(({ tier, upTo }, index) => {
    const above = TIERS[index - 1]?.upTo ?? -1;
    const of = models.filter(({ outputPrice: price }) => price !== null && price > above && price <= upTo);
    return { tier, of };
  });
  const groups = [...tiers, { tier: 'unknown', of: models.filter(({ outputPrice }) => outputPrice === null) }]
    .filter(({ of }) => of.length > 0)
    .map(({ tier, of }) => `${tier}: ${of.map(named).join(', ')}`);
  return `By price. ${groups.join('; ')}. * takes no temperature. Also any model that an agent of the project uses.`;
}
