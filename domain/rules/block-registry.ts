/**
 * The one registry of block types. Validation, defaults, GET /api/block-types, get_block_info and the prompt read it;
 * there is no second list. The file is long because it is data: an entry for each type, and what reads an entry.
 */
import type { Block } from '../graph/graph.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { isObject, parseJsonObject } from '../text/json.ts';

export type FieldType = 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'any';

export interface ConfigField {
  name: string;
  type: FieldType;
  description: string;
  required?: boolean;
  /** Given to a new block that does not set the field. */
  default?: Json;
  enum?: readonly string[];
  min?: number;
  max?: number;
  /** Must be written out, never a reference: the block's handles depend on it. */
  literal?: boolean;
  /** Owned by the platform: an edit may neither set nor change it. */
  serverOwned?: boolean;
}

export interface BlockType {
  type: string;
  label: string;
  purpose: string;
  /** True for the entries of a workflow: exactly one, no edge into it. */
  trigger: boolean;
  /** True where nothing may follow. */
  terminal: boolean;
  fields: readonly ConfigField[];
  /** The source handles of a block with this config; empty for a plain block, whose edges carry none. */
  handles: (config: JsonObject) => readonly string[];
  /** How the handles are named, for people and models. */
  handleRule: string;
  /** Output fields that references may name, and what they are. */
  outputs: Readonly<Record<string, string>>;
  /** The same outputs as a config writes them, with `Name` for the block's name. */
  references: Readonly<Record<string, string>>;
  /** For models: what the block does at run time, and what only the platform knows about it. */
  notes: readonly string[];
  example: JsonObject;
}

const plain = { handles: () => [], handleRule: 'one plain output: edges carry no sourceHandle' } as const;

/** A block whose output is one value. `within` says what its fields are. */
const value = (what: string, within?: string) => ({
  outputs: { output: what },
  references: {
    '<Name.output>': what,
    ...(within === undefined ? {} : { '<Name.output.field>': within }),
  },
});

/** A block whose output is an object with these fields. */
const fields = (whole: string, named: Readonly<Record<string, string>>) => ({
  outputs: named,
  references: {
    '<Name.output>': whole,
    ...Object.fromEntries(Object.entries(named).map(([key, what]) => [`<Name.output.${key}>`, what])),
  },
});

/** More handles than a workflow has blocks are of no use, and a config of a hostile size must not cost memory. */
const MAX_HANDLES = 1_000;

/** The handle of a condition's branch: if, elif_1, elif_2 ... */
export function branchHandle(index: number): string {
  return index === 0 ? 'if' : `elif_${index}`;
}

/** The handles of a condition's branches in order, then else. At least if and else. */
function conditionHandles(config: JsonObject): readonly string[] {
  const branches = Array.isArray(config.branches) ? config.branches.length : 1;
  const length = Math.max(1, Math.min(branches, MAX_HANDLES));
  return [...Array.from({ length }, (_, index) => branchHandle(index)), 'else'];
}

function splitHandles(config: JsonObject): readonly string[] {
  const { branches } = config;
  const count =
    typeof branches === 'number' && Number.isInteger(branches)
      ? Math.max(0, Math.min(branches, MAX_HANDLES))
      : 2;
  return Array.from({ length: count }, (_, index) => String(index + 1));
}

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
const RESOURCES = [
  'agents',
  'knowledge_bases',
  'sources',
  'sessions',
  'context_handlers',
  'database',
] as const;

// A model is told what only the platform decides, so that it neither guesses nor relies on a guess.
const CONDITION_NOTES = [
  'Expressions: == != < <= > >=, in, not in, and, or, not, + - * / %, round brackets; references, numbers, "text", true, false, null, lists; len() str() int() float() bool() abs() round() min() max(); .lower() .upper() .strip() .startswith() .endswith(). Edits accept this; the engine of the platform is not published.',
  'Examples: <Check.output.ok> == true; <Start.output.kind> in ["new", "open"]; <Start.output.total> > 5 and not <Check.output.spam>; <Ask.output>.lower() == "yes"; <Load.output>.get("total", 0) >= 100 where total may be missing.',
  'Text compares with case. A number never equals a text: int(<Start.output.count>) == 5.',
  'Put the test that needs a value into if, and the case without the value into else.',
];
const CODE_NOTES = [
  'Edits accept each block above as a key, not only the one before. input_data.get("Block Name") for a block that may be skipped.',
  'To fail on purpose, raise an exception with a message.',
  'Not known here: whether input_data holds all blocks above, which modules can be imported (the standard library is the safe choice), network access, time limits, what an exception does to the rest of the run (run logs show it).',
];
const PLATFORM_API_NOTES = [
  'Not known here, for every resource: its operations, their params and results, whether values in SQL are bound. The example shows only the form. Copy a block that works (from this canvas, or another workflow by get_asset_details), or ask the user.',
  'While binding is not known, put no text of strangers into SQL.',
];
const GENERAL_API_NOTES = [
  'Not known here: whether an error status (400 and above) or a timeout fails the block. Where it matters, test <Name.output.status_code> in a condition.',
];

export const blockTypes: readonly BlockType[] = [
  {
    type: 'starter',
    label: 'Start',
    purpose:
      'Manual or API entry of the workflow, optionally on a schedule. Its input keys are its output fields.',
    trigger: true,
    terminal: false,
    ...plain,
    fields: [
      {
        name: 'input',
        type: 'object',
        required: true,
        default: {},
        description:
          '{name: default value}. A run without an input uses its default, so a type word such as "string" would be that text',
      },
      {
        name: 'schedule_enabled',
        type: 'boolean',
        default: false,
        description: 'Whether the schedule runs the workflow',
      },
      {
        name: 'schedule_type',
        type: 'string',
        enum: ['interval', 'cron'],
        description: 'How the schedule is written',
      },
      {
        name: 'schedule_interval_value',
        type: 'integer',
        min: 1,
        description: 'Interval, in schedule_interval_unit',
      },
      {
        name: 'schedule_interval_unit',
        type: 'string',
        enum: ['minutes', 'hours', 'days'],
        description: 'Unit of the interval',
      },
      { name: 'schedule_cron', type: 'string', description: 'Cron expression, five fields' },
      { name: 'schedule_timezone', type: 'string', description: 'IANA time zone, such as Europe/Berlin' },
      { name: 'schedule_start_at', type: 'string', description: 'ISO 8601 time of the first run' },
      { name: 'schedule_end_at', type: 'string', description: 'ISO 8601 time after which no run starts' },
      {
        name: 'schedule_max_runs',
        type: 'integer',
        min: 1,
        description: 'Runs after which the schedule stops',
      },
    ],
    outputs: { '<input key>': 'the value given for that input' },
    references: {
      '<Name.output>': 'all inputs as one object',
      '<Name.output.city>': 'the input city: the value of the run, else the default',
    },
    notes: [],
    example: { input: { city: 'Berlin', limit: 10 } },
  },
  {
    type: 'webhook',
    label: 'Webhook',
    purpose: 'Entry by an HTTP POST to an address of the platform. Its output is the request body.',
    trigger: true,
    terminal: false,
    ...plain,
    fields: [
      { name: 'webhook_id', type: 'string', serverOwned: true, description: 'Given by the platform' },
      {
        name: 'webhook_secret',
        type: 'string',
        serverOwned: true,
        description: 'Given by the platform, never shown',
      },
    ],
    ...value('the parsed body', 'a field of the body'),
    notes: [],
    example: {},
  },
  {
    type: 'response',
    label: 'Response',
    purpose: 'Ends the workflow and returns its output to the caller.',
    trigger: false,
    terminal: true,
    handles: () => [],
    handleRule: 'no outgoing edges',
    fields: [
      { name: 'output', type: 'any', required: true, description: 'What is returned, usually a reference' },
      { name: 'status_code', type: 'integer', default: 200, min: 100, max: 599, description: 'HTTP status' },
      { name: 'headers', type: 'object', description: 'HTTP headers' },
    ],
    outputs: {},
    references: {},
    notes: [],
    example: { output: '<Summarise.output>', status_code: 200 },
  },
  {
    type: 'condition',
    label: 'Condition',
    purpose: 'Chooses one way: the first branch whose expression is true, else the else branch.',
    trigger: false,
    terminal: false,
    handles: conditionHandles,
    handleRule:
      'if for the first branch, elif_1, elif_2, ... for the next ones, else; each outgoing edge names one',
    fields: [
      {
        name: 'branches',
        type: 'array',
        required: true,
        literal: true,
        description: 'Branches in order: [{"expression": "<Check.output.score> > 5"}]',
      },
    ],
    ...value('only the platform knows; refer to the block above instead'),
    notes: CONDITION_NOTES,
    example: { branches: [{ expression: '<Check.output.score> > 5' }] },
  },
  {
    type: 'split',
    label: 'Split',
    purpose: 'Runs several branches in parallel.',
    trigger: false,
    terminal: false,
    handles: splitHandles,
    handleRule: '"1" to "N" for N branches; each outgoing edge names one',
    fields: [
      {
        name: 'branches',
        type: 'integer',
        required: true,
        default: 2,
        min: 2,
        max: MAX_HANDLES,
        literal: true,
        description: 'Number of branches',
      },
    ],
    ...value('only the platform knows; refer to the block above instead'),
    notes: [],
    example: { branches: 2 },
  },
  {
    type: 'agent',
    label: 'Agent',
    purpose: 'Calls an LLM: an agent of the project by agent_id, or one described here.',
    trigger: false,
    terminal: false,
    ...plain,
    fields: [
      {
        name: 'agent_id',
        type: 'string',
        description: 'An agent of the project; then give only input beside it',
      },
      { name: 'model', type: 'string', description: 'Inline agent: the model, such as gpt-5.2' },
      { name: 'system_prompt', type: 'string', description: 'Inline agent: what it is to do' },
      {
        name: 'input',
        type: 'any',
        required: true,
        description: 'The message to the agent, usually with references',
      },
      {
        name: 'temperature',
        type: 'number',
        min: 0,
        max: 2,
        description: 'Inline agent: sampling temperature',
      },
      { name: 'max_tokens', type: 'integer', min: 1, description: 'Inline agent: output tokens at most' },
      {
        name: 'knowledge_bases',
        type: 'array',
        description: 'Inline agent: [{"id": "<knowledge base id>"}]',
      },
    ],
    ...value('the answer as plain text'),
    notes: [
      'The answer of an inline agent has no fields. Ask for one of a few exact words, or take it apart in a code block.',
    ],
    example: {
      model: 'gpt-5.2',
      system_prompt: 'Summarise the order in two sentences.',
      input: '<Start.output.order>',
    },
  },
  {
    type: 'code',
    label: 'Code',
    purpose: 'Runs Python. Reads input_data["Block Name"]["output"] and must assign output.',
    trigger: false,
    terminal: false,
    ...plain,
    fields: [
      { name: 'code', type: 'string', required: true, description: 'Python source that assigns output' },
      { name: 'language', type: 'string', enum: ['python'], default: 'python', description: 'The language' },
    ],
    ...value('what the code assigns to output', 'a key of it'),
    notes: CODE_NOTES,
    example: {
      language: 'python',
      code: 'order = input_data["Start"]["output"]\noutput = {"total": order["price"] * order["count"]}',
    },
  },
  {
    type: 'platform_api',
    label: 'Platform API',
    purpose:
      'Calls a service of the platform: agents, knowledge bases, sources, sessions, context handlers, the database.',
    trigger: false,
    terminal: false,
    ...plain,
    fields: [
      { name: 'resource', type: 'string', required: true, enum: RESOURCES, description: 'The service' },
      {
        name: 'operation',
        type: 'string',
        required: true,
        description: 'What the service is to do',
      },
      { name: 'params', type: 'object', description: 'Arguments of the operation' },
    ],
    ...value('the answer of the service', 'a field of it'),
    notes: PLATFORM_API_NOTES,
    example: { resource: 'database', operation: 'query', params: { sql: 'select count(*) from orders' } },
  },
  {
    type: 'general_api',
    label: 'HTTP request',
    purpose: 'Calls any HTTP API.',
    trigger: false,
    terminal: false,
    ...plain,
    fields: [
      {
        name: 'url',
        type: 'string',
        required: true,
        description: 'http or https address; references are allowed in path and query',
      },
      {
        name: 'method',
        type: 'string',
        required: true,
        default: 'GET',
        enum: METHODS,
        description: 'HTTP method',
      },
      { name: 'headers', type: 'object', description: 'Request headers' },
      { name: 'body', type: 'any', description: 'Request body' },
      { name: 'body_type', type: 'string', enum: ['json', 'form'], description: 'How the body is sent' },
    ],
    ...fields('all three as one object', {
      output: 'the parsed body; <Name.output.output.field> is a field of the body',
      status_code: 'the HTTP status',
      headers: 'the response headers',
    }),
    notes: GENERAL_API_NOTES,
    example: {
      url: 'https://api.github.com/repos/<Start.output.repository>/issues',
      method: 'POST',
      body_type: 'json',
      body: { title: 'Run finished: <Summarise.output>' },
    },
  },
];

const byType = new Map(blockTypes.map((blockType) => [blockType.type, blockType]));

/** The type of that exact name, or undefined. */
export function findBlockType(type: string): BlockType | undefined {
  return byType.get(type);
}

/** A type as data, for clients and models. */
export function describeBlockType(blockType: BlockType) {
  const { type, label, purpose, trigger, terminal, handleRule, outputs, example } = blockType;
  return {
    type,
    label,
    purpose,
    trigger,
    terminal,
    config: blockType.fields.map((field) => ({
      name: field.name,
      type: field.type,
      required: field.required ?? false,
      ...(field.default === undefined ? {} : { default: field.default }),
      ...(field.enum ? { enum: [...field.enum] } : {}),
      ...(field.min === undefined ? {} : { min: field.min }),
      ...(field.max === undefined ? {} : { max: field.max }),
      ...(field.serverOwned ? { server_owned: true as const } : {}),
      description: field.description,
    })),
    handles: { rule: handleRule, of_example: [...blockType.handles(example)] },
    outputs: { ...outputs },
    example,
  };
}

/** The config of a new block: what was given, with the defaults of its type beneath it. */
export function withDefaults(blockType: BlockType, config: JsonObject): JsonObject {
  const defaults = blockType.fields.filter(
    (field) => field.default !== undefined && !Object.hasOwn(config, field.name),
  );
  const result: JsonObject = { ...config };
  for (const field of defaults) result[field.name] = structuredClone(field.default!);
  return result;
}

/** The source handles of a block; an unknown type has none. */
export function handlesOf(block: Pick<Block, 'type' | 'config'>): readonly string[] {
  return knownHandles(block).list;
}

/** Whether a block has this source handle. */
export function hasHandle(block: Pick<Block, 'type' | 'config'>, handle: string): boolean {
  return knownHandles(block).set.has(handle);
}

interface Handles {
  type: string;
  list: readonly string[];
  set: ReadonlySet<string>;
}

/** Configs are never changed in place; each of a block's many edges asks for its handles. */
const known = new WeakMap<JsonObject, Handles>();

const NONE: Handles = { type: '', list: [], set: new Set() };

function knownHandles({ type, config }: Pick<Block, 'type' | 'config'>): Handles {
  const handlesFor = byType.get(type)?.handles ?? plain.handles;
  if (handlesFor === plain.handles) return NONE;
  const before = known.get(config);
  if (before?.type === type) return before;
  const list = handlesFor(config);
  const handles = { type, list, set: new Set(list) };
  known.set(config, handles);
  return handles;
}

/** What is wrong with a field's value, or null. References (`<Block.output>`) and templates pass as any kind. */
export function checkFieldValue(field: ConfigField, value: Json): string | null {
  if (typeof value === 'string' && field.type !== 'string' && !field.literal && value.includes('<'))
    return null;
  switch (field.type) {
    case 'number':
    case 'integer':
      if (typeof value !== 'number' || (field.type === 'integer' && !Number.isInteger(value))) {
        return `must be ${field.type === 'integer' ? 'a whole number' : 'a number'}`;
      }
      if ((field.min !== undefined && value < field.min) || (field.max !== undefined && value > field.max)) {
        return `must be ${field.min ?? 'at most'}${field.max === undefined ? ' or more' : ` to ${field.max}`}`;
      }
      return null;
    case 'boolean':
      return typeof value === 'boolean' ? null : 'must be true or false';
    case 'object':
      return isObject(value) || (typeof value === 'string' && isObjectText(value))
        ? null
        : 'must be an object';
    case 'array':
      return Array.isArray(value) ? null : 'must be a list';
    case 'string':
      if (typeof value !== 'string') return 'must be text';
      if (field.enum && !field.enum.includes(value) && !value.includes('<')) {
        return `must be one of ${field.enum.join(', ')}`;
      }
      return null;
    case 'any':
      return null;
  }
}

/** JSON text of an object, or a template that is filled in later. */
function isObjectText(text: string): boolean {
  return text.includes('{{') || parseJsonObject(text) !== null;
}

const MAX_COMPARED_CHARS = 50;

/** The `count` candidates nearest to a name by edit distance (case-insensitive), nearest first; far ones left out. */
export function nearestNames(name: string, candidates: readonly string[], count: number): string[] {
  const compared = (text: string): string =>
    text.slice(0, MAX_COMPARED_CHARS).toLowerCase().slice(0, MAX_COMPARED_CHARS);
  const wanted = compared(name);
  return candidates
    .map((candidate) => ({ candidate, distance: distance(wanted, compared(candidate)) }))
    .filter(
      ({ candidate, distance: d }) =>
        d <= Math.max(3, Math.floor(Math.min(candidate.length, MAX_COMPARED_CHARS) / 2)),
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, count)
    .map(({ candidate }) => candidate);
}

/** Levenshtein distance; a name that contains the other is near. */
function distance(a: string, b: string): number {
  if (a !== '' && b !== '' && (a.includes(b) || b.includes(a))) return 1;
  const row = new Uint8Array(b.length + 1);
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0]!;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = diagonal + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      diagonal = row[j]!;
      row[j] = Math.min(row[j - 1]! + 1, diagonal + 1, replaced);
    }
  }
  return row[b.length]!;
}
