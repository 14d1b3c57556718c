/** Graphs for tests: builders of blocks and edges, and arbitraries of graphs and edits for property tests. */
import fc from 'fast-check';
import { blockTypes } from '../../domain/rules/block-registry.ts';
import type { Block, Edge, Graph } from '../../domain/graph/graph.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import type { GraphEdit } from '../../domain/edit/graph-edit.ts';

/** A block. By default its id is its name in lower case. */
export function block(name: string, overrides: Partial<Block> = {}): Block {
  return {
    id: name.toLowerCase().replaceAll(' ', '_'),
    type: 'code',
    name,
    position: { x: 300, y: 50 },
    config: { code: 'output = 1', language: 'python' },
    enabled: true,
    ...overrides,
  };
}

/** Parses an edge between two ids: `a -> b` or `a[handle] -> b`. */
export function edge(text: string): Edge {
  const match = /^(.+?)(?:\[(.+)\])? -> (.+)$/.exec(text)!;
  return { source: match[1]!, target: match[3]!, ...(match[2] ? { sourceHandle: match[2] } : {}) };
}

export function graph(blocks: Block[], edges: string[] = []): Graph {
  return { blocks, edges: edges.map(edge) };
}

/** Returns a function that makes the ids new-1, new-2 and so on. */
export function countingIds(prefix = 'new'): () => string {
  let count = 0;
  return () => `${prefix}-${++count}`;
}

/** Any JSON object, also with keys that careless code may fail on. */
export const anyObject: fc.Arbitrary<JsonObject> = fc
  .dictionary(
    fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'code', 'branches', 'input', ''),
      fc.string(),
    ),
    fc.jsonValue({ maxDepth: 2 }),
    { maxKeys: 4, noNullPrototype: true },
  )
  // Through JSON, as all data comes: JSON turns -0 into 0 and `__proto__` into an own key.
  .map((value) => JSON.parse(JSON.stringify(value)) as JsonObject);

const NAMES = [
  'Work',
  'work',
  'Start',
  'Check',
  'Work #1',
  'Work #2',
  '__proto__',
  'Ärger 1',
  'x.y',
  '',
  'toString',
];
const IDS = [...NAMES.filter((name) => name !== ''), 'a', 'b', 'c', '💥', '\ud800', 'constructor'];
const TYPES = [...blockTypes.map((type) => type.type), 'mystery'];
const HANDLES = ['if', 'elif_1', 'else', '1', '2', 'odd'];

const PLAIN = { noNullPrototype: true } as const;

const anyBlock = fc.record(
  {
    id: fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom(...IDS) },
      { weight: 1, arbitrary: fc.string({ minLength: 1 }) },
    ),
    type: fc.constantFrom(...TYPES),
    name: fc.oneof(fc.constantFrom(...NAMES), fc.string()),
    position: fc.record(
      { x: fc.integer({ min: -999, max: 999 }), y: fc.integer({ min: -999, max: 999 }) },
      PLAIN,
    ),
    config: anyObject,
    enabled: fc.boolean(),
  },
  PLAIN,
);

const anyEdge = (ids: readonly string[]): fc.Arbitrary<Edge> =>
  fc
    .record({
      source: fc.constantFrom(...ids, 'ghost'),
      target: fc.constantFrom(...ids, 'ghost'),
      handle: fc.option(fc.constantFrom(...HANDLES), { nil: undefined }),
    })
    .map(({ source, target, handle }) => ({
      source,
      target,
      ...(handle === undefined ? {} : { sourceHandle: handle }),
    }));

const graphOf = (blocks: fc.Arbitrary<Block[]>): fc.Arbitrary<Graph> =>
  blocks.chain((list) =>
    fc
      .array(anyEdge(list.map((item) => item.id)), { maxLength: 10 })
      .map((edges) => ({ blocks: list, edges })),
  );

/** Any graph with unique ids, also with faults of every kind. */
export const anyGraph: fc.Arbitrary<Graph> = graphOf(
  fc.uniqueArray(anyBlock, { selector: (item) => item.id, maxLength: 7 }),
);

/** A graph of an editor that sends names as ids. */
export const namedGraph: fc.Arbitrary<Graph> = graphOf(
  fc
    .uniqueArray(anyBlock, { selector: (item) => item.id, maxLength: 7 })
    .map((list) => list.map((item) => ({ ...item, name: item.id }))),
);

const ref = fc.constantFrom(...IDS, 'n1', 'n2', 'New', 'ghost');
const newName = fc.constantFrom('New', 'Newer', 'Work', 'Check', 'bad.name', 'Third', 'ghost');
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null | undefined> =>
  fc.option(fc.option(arbitrary, { nil: null, freq: 9 }), { nil: undefined, freq: 1 });
const position = fc.record({ x: fc.integer(), y: fc.integer() });
const edgeEdit = fc.record({
  source: ref,
  target: ref,
  sourceHandle: maybe(fc.constantFrom(...HANDLES, 'output')),
});

/** An edit of the right shape, often with faults. */
export const anyEdit: fc.Arbitrary<GraphEdit> = fc.record(
  {
    add_blocks: fc.array(
      fc.record({
        id: maybe(fc.constantFrom('n1', 'n2')),
        type: fc.constantFrom(...TYPES),
        name: newName,
        config: maybe(anyObject),
        position: maybe(position),
      }),
      { maxLength: 2 },
    ),
    update_blocks: fc.array(
      fc.record({
        id: ref,
        config: maybe(anyObject),
        name: maybe(newName),
        position: maybe(position),
        enabled: maybe(fc.boolean()),
      }),
      { maxLength: 2 },
    ),
    remove_blocks: fc.array(ref, { maxLength: 1 }),
    add_edges: fc.array(edgeEdit, { maxLength: 2 }),
    remove_edges: fc.array(edgeEdit, { maxLength: 1 }),
  },
  { requiredKeys: [] },
);

/** Any JSON value, or an edit with parts of the wrong type. */
export const anyJsonEdit: fc.Arbitrary<unknown> = fc.oneof(
  fc.jsonValue(),
  fc.dictionary(
    fc.constantFrom('add_blocks', 'update_blocks', 'remove_blocks', 'add_edges', 'remove_edges'),
    fc.oneof(
      fc.jsonValue(),
      fc.array(
        fc.dictionary(
          fc.constantFrom('id', 'type', 'name', 'config', 'position', 'enabled', 'source', 'target'),
          fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
        ),
      ),
    ),
  ),
);

const RULE_NAMES = ['Start', 'Check', 'Work', 'Ask', 'Call', 'Reply', 'Fan'];
const template = fc.oneof(
  fc.constantFrom(...RULE_NAMES, 'Ghost', 'New').map((name) => `<${name}.output>`),
  fc.constantFrom(...RULE_NAMES, 'New').map((name) => `<${name}.output.field>`),
  fc.constantFrom('plain', '', 'your-key-here', '<Step (v2).output>'),
);
const snippet = fc.oneof(
  fc.constantFrom(...RULE_NAMES, 'Ghost').map((name) => `output = input_data["${name}"]["output"]`),
  fc.constantFrom('output = 1', 'x = 1', 'def (', '', 'output = input()'),
);
const CONFIGS: Readonly<Record<string, fc.Arbitrary<JsonObject>>> = {
  starter: fc.constantFrom<JsonObject>({ input: {} }, { input: { field: 'string' } }),
  condition: fc.array(template, { maxLength: 3 }).map((list) => ({
    branches: list.map((text) => ({ expression: `${text} > 1` })),
  })),
  split: fc.integer({ min: 1, max: 4 }).map((branches) => ({ branches })),
  code: snippet.map((code) => ({ code, language: 'python' })),
  agent: fc.record(
    {
      agent_id: fc.constantFrom('known', 'no-agent'),
      model: fc.constantFrom('gpt-4o', 'gpt-5.9'),
      input: template,
    },
    { requiredKeys: ['input'], ...PLAIN },
  ),
  general_api: fc
    .constantFrom('https://a.test', 'ftp://x', 'http://localhost', 'https://<Start.output.field>')
    .map((url) => ({
      url,
      method: 'GET',
    })),
  response: template.map((output) => ({ output })),
};
const typed = fc
  .constantFrom(...Object.keys(CONFIGS))
  .chain((type) => CONFIGS[type]!.map((config) => ({ type, config })));

/** A graph whose configs refer to other blocks, also with faults. */
export const referringGraph: fc.Arbitrary<Graph> = graphOf(
  fc
    .uniqueArray(fc.tuple(fc.constantFrom(...RULE_NAMES), typed), {
      selector: ([name]) => name,
      maxLength: 6,
    })
    .map((list) =>
      list.map(([name, { type, config }]) => block(name, { id: name.toLowerCase(), type, config })),
    ),
);

const ruleRef = fc.constantFrom(...RULE_NAMES, 'New', 'n1');
const ruleEdge = fc.record({
  source: ruleRef,
  target: ruleRef,
  sourceHandle: fc.constantFrom(undefined, undefined, 'if', 'else', '1', '2'),
});

/** An edit of a referringGraph. */
export const referringEdit: fc.Arbitrary<GraphEdit> = fc.record(
  {
    add_blocks: fc.array(
      typed.map(({ type, config }) => ({ id: 'n1', type, name: 'New', config })),
      { maxLength: 1 },
    ),
    update_blocks: fc.array(
      fc.record(
        {
          id: ruleRef,
          config: typed.map(({ config }) => config),
          name: fc.constantFrom('Other', 'Work', 'Bad (x)'),
        },
        { requiredKeys: ['id'] },
      ),
      { maxLength: 2 },
    ),
    remove_blocks: fc.array(ruleRef, { maxLength: 1 }),
    add_edges: fc.array(ruleEdge, { maxLength: 2 }),
    remove_edges: fc.array(ruleEdge, { maxLength: 1 }),
  },
  { requiredKeys: [] },
);
