/** Edits of modify_workflow. One file, because every test is one call of editGraph and its result. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MAX_CODE_BYTES, MAX_CONFIG_BYTES } from '../../../domain/rules/check-config.ts';
import { MAX_BLOCKS } from '../../../domain/rules/check-graph.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { EditOutcome } from '../../../domain/edit/judge-edit.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { block, countingIds, edge, graph } from '../../support/graph-builders.ts';

const start = block('Start', { type: 'starter', config: { input: {} } });
const check = block('Check', {
  type: 'condition',
  config: { branches: [{ expression: '1 == 1' }, { expression: 'true' }] },
});
const fan = block('Fan', { type: 'split', config: { branches: 2 } });
const done = block('Done', { type: 'response', config: { output: 'x' } });
const base = graph([start, block('Work'), block('Other'), check, fan, done], ['start -> work']);

function run(on: Graph, edit: GraphEdit, aliases: ReadonlyMap<string, string> = new Map()): EditOutcome {
  return editGraph({ graph: on, edit, newId: countingIds(), aliases });
}

function accepted(on: Graph, edit: GraphEdit, aliases?: ReadonlyMap<string, string>) {
  const outcome = run(on, edit, aliases);
  assert.ok(outcome.applied, JSON.stringify(outcome));
  return outcome;
}

function refused(on: Graph, edit: GraphEdit) {
  const outcome = run(on, edit);
  assert.ok(!outcome.applied, 'should be refused');
  for (const found of outcome.problems) {
    assert.equal(found.severity, 'error');
    assert.equal(found.was_there_before, false);
  }
  return outcome.problems;
}

function codes(on: Graph, edit: GraphEdit): string[] {
  return refused(on, edit).map((found) => found.code);
}

test('a new block gets an id, the defaults of its type and a place below its parent', () => {
  const outcome = accepted(base, {
    add_blocks: [{ id: 'mine', type: 'general_api', name: ' Call ', config: { url: 'https://a.test' } }],
    add_edges: [{ source: 'Work', target: 'mine' }],
  });
  const added = outcome.graph.blocks.at(-1)!;
  assert.deepEqual(
    { ...added, position: null },
    {
      id: 'new-1',
      type: 'general_api',
      name: 'Call',
      position: null,
      config: { url: 'https://a.test', method: 'GET' },
      enabled: true,
    },
  );
  assert.ok(added.position.y > 50);
  assert.deepEqual(outcome.changes, {
    added: [{ id: 'new-1', name: 'Call', type: 'general_api' }],
    edges_added: ['Work -> Call'],
  });
  assert.deepEqual([...outcome.aliases], [['mine', 'new-1']]);
});

test('ids given earlier, real ids and names all work for the rest of the turn', () => {
  const first = accepted(base, { add_blocks: [{ id: 'n1', type: 'code', name: 'New' }] });
  for (const ref of ['n1', 'new-1', 'New', 'nEW']) {
    const outcome = accepted(
      first.graph,
      { update_blocks: [{ id: ref, config: { code: ref } }] },
      first.aliases,
    );
    assert.equal(outcome.graph.blocks.at(-1)!.config.code, ref);
  }
});

test('an id given in an add never reaches an older block', () => {
  assert.deepEqual(codes(base, { add_blocks: [{ id: 'Work', type: 'code', name: 'New' }] }), [
    'duplicate_id',
  ]);
  assert.deepEqual(codes(base, { add_blocks: [{ id: 'work', type: 'code', name: 'New' }] }), [
    'duplicate_id',
  ]);
  const first = accepted(base, { add_blocks: [{ id: 'n1', type: 'code', name: 'New' }] });
  const again = run(first.graph, { add_blocks: [{ id: 'n1', type: 'code', name: 'Newer' }] }, first.aliases);
  assert.ok(!again.applied);
});

test('a temporary id may be given again once its block is gone', () => {
  const first = accepted(base, { add_blocks: [{ id: 'n1', type: 'code', name: 'New' }] });
  const gone = accepted(first.graph, { remove_blocks: ['n1'] }, first.aliases);
  accepted(gone.graph, { add_blocks: [{ id: 'n1', type: 'code', name: 'Newer' }] }, gone.aliases);
});

test('blocks of equal name are told apart by number', () => {
  const twins = graph([block('Work', { id: 'w1' }), block('Work', { id: 'w2' })]);
  const outcome = accepted(twins, { update_blocks: [{ id: 'Work #2', config: { code: 'two' } }] });
  assert.deepEqual(
    outcome.graph.blocks.map((item) => item.config.code),
    ['output = 1', 'two'],
  );
  const [found] = refused(twins, { update_blocks: [{ id: 'work', enabled: false }] });
  assert.equal(found!.code, 'ambiguous_name');
  assert.match(found!.hint!, /w1, w2/);
});

test('config is a merge patch at every depth', () => {
  const on = graph([
    block('A', { type: 'general_api', config: { headers: { a: '1', b: '2' }, body: { x: [1, 2] } } }),
  ]);
  const patch = { headers: { b: null, c: '3' }, body: { x: [3] }, method: null };
  const outcome = accepted(on, { update_blocks: [{ id: 'A', config: patch }] });
  assert.deepEqual(outcome.graph.blocks[0]!.config, { headers: { a: '1', c: '3' }, body: { x: [3] } });
});

test('two updates of one block in one call both count, in order', () => {
  const outcome = accepted(base, {
    update_blocks: [
      { id: 'Work', config: { code: 'one' }, name: 'Job' },
      { id: 'Job', enabled: false },
      { id: 'work', config: { code: 'two' } },
    ],
  });
  const job = outcome.graph.blocks.find((item) => item.id === 'work')!;
  assert.deepEqual([job.name, job.config.code, job.enabled], ['Job', 'two', false]);
});

test('keys such as __proto__ are data', () => {
  const config = JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as JsonObject;
  const outcome = accepted(base, {
    update_blocks: [{ id: 'Work', config }],
    add_blocks: [{ type: 'code', name: '__proto__', config }],
  });
  for (const name of ['Work', '__proto__']) {
    const made = outcome.graph.blocks.find((item) => item.name === name)!;
    assert.ok(JSON.stringify(made.config).includes('"__proto__":{"polluted":true}'));
  }
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

test('text that Postgres does not take is mended on the way in', () => {
  const outcome = accepted(base, { update_blocks: [{ id: 'Work', config: { code: 'a\u0000b\ud800' } }] });
  assert.equal(outcome.graph.blocks.find((item) => item.id === 'work')!.config.code, 'a\uFFFDb\uFFFD');
});

test('a rename rewrites every reference and says where', () => {
  const on = graph([
    block('Fetch It', { id: 'f', config: { code: 'x = input_data["Fetch It"]' } }),
    block('Say', {
      id: 's',
      type: 'agent',
      config: { input: 'a <Fetch It.output.rows> b <Fetch It.output>', model: 'm' },
    }),
    block('Sum', {
      id: 'c',
      config: { code: "y = input_data[ 'fetch it' ]['output'] + my_input_data['Fetch It']" },
    }),
    block('Else', { id: 'e', config: { code: '<Fetch Items.output> input_data["Fetch"]' } }),
  ]);
  const outcome = accepted(on, { update_blocks: [{ id: 'f', name: 'Load' }] });
  const config = (id: string) => outcome.graph.blocks.find((item) => item.id === id)!.config;
  assert.equal(config('s').input, 'a <Load.output.rows> b <Load.output>');
  assert.equal(config('c').code, "y = input_data[ 'Load' ]['output'] + my_input_data['Fetch It']");
  assert.equal(config('f').code, 'x = input_data["Load"]');
  assert.deepEqual(config('e'), on.blocks[3]!.config);
  assert.deepEqual(outcome.changes.references_rewritten, ['Load', 'Say', 'Sum']);
});

test('one call adds, updates, removes edges and blocks, then connects', () => {
  const outcome = accepted(base, {
    add_edges: [
      { source: 'start', target: 'n' },
      { source: 'n', target: 'Job' },
    ],
    remove_blocks: ['Other'],
    remove_edges: [{ source: 'Start', target: 'Work', sourceHandle: 'output' }],
    update_blocks: [{ id: 'Work', name: 'Job' }],
    add_blocks: [{ id: 'n', type: 'code', name: 'Between' }],
  });
  assert.deepEqual(outcome.graph.edges, [edge('start -> new-1'), edge('new-1 -> work')]);
  assert.ok(!outcome.graph.blocks.some((item) => item.name === 'Other'));
});

test('a block can be replaced by one of the same name in one call', () => {
  const outcome = accepted(base, {
    add_blocks: [{ id: 'n', type: 'agent', name: 'Work', config: { input: 'x' } }],
    remove_blocks: ['Work'],
    add_edges: [{ source: 'Start', target: 'Work' }],
  });
  assert.deepEqual(outcome.graph.edges, [edge('start -> new-1')]);
  assert.deepEqual(outcome.changes.edges_removed, ['Start -> Work']);
});

test('removing a block removes its edges, lists them, and warns of references left behind', () => {
  const on = graph(
    [start, block('Work'), block('Say', { config: { code: 'input_data["Work"]' } })],
    ['start -> work', 'work -> say'],
  );
  const outcome = accepted(on, { remove_blocks: ['Work'] });
  assert.deepEqual(outcome.changes.edges_removed, ['Start -> Work', 'Work -> Say']);
  assert.ok(outcome.warnings.some((found) => found.code === 'code_unknown_block' && found.block === 'Say'));
  assert.ok(outcome.warnings.some((found) => found.code === 'unreachable' && found.block === 'Say'));
});

test('a call is atomic: what is refused changes nothing', () => {
  const text = JSON.stringify(base);
  refused(base, { update_blocks: [{ id: 'Work', name: 'Job' }], remove_blocks: ['nobody'] });
  assert.equal(JSON.stringify(base), text);
});

const refusals: [title: string, edit: GraphEdit, expected: string[]][] = [
  ['an empty edit', {}, ['empty_edit']],
  ['an edit of nulls and empty lists', { add_blocks: null, remove_blocks: [] }, ['empty_edit']],
  ['an unknown type', { add_blocks: [{ type: 'agnet', name: 'New' }] }, ['unknown_block_type']],
  [
    'a name that is there, in another case',
    { add_blocks: [{ type: 'code', name: 'wORK' }] },
    ['duplicate_name'],
  ],
  [
    'a rename to a name that is there',
    { update_blocks: [{ id: 'Work', name: 'Other' }] },
    ['duplicate_name'],
  ],
  [
    'one name twice in a call',
    {
      add_blocks: [
        { type: 'code', name: 'N' },
        { type: 'code', name: 'n' },
      ],
    },
    ['duplicate_name'],
  ],
  ['a name with a dot', { add_blocks: [{ type: 'code', name: 'a.b' }] }, ['invalid_name']],
  ['a name with a number sign', { update_blocks: [{ id: 'Work', name: 'Work #2' }] }, ['invalid_name']],
  ['an empty name', { update_blocks: [{ id: 'Work', name: ' ' }] }, ['invalid_name']],
  [
    'a name too long to be stored',
    { update_blocks: [{ id: 'Work', name: 'n'.repeat(256) }] },
    ['invalid_name'],
  ],
  ['an update of nothing known', { update_blocks: [{ id: 'Wrk', enabled: false }] }, ['unknown_block']],
  ['removing nothing known', { remove_blocks: ['Wrk'] }, ['unknown_block']],
  ['an edge to nothing known', { add_edges: [{ source: 'Work', target: 'x' }] }, ['unknown_block']],
  [
    'an edge to a block that goes',
    { remove_blocks: ['Other'], add_edges: [{ source: 'Work', target: 'Other' }] },
    ['unknown_block'],
  ],
  ['an edge that is there', { add_edges: [{ source: 'Start', target: 'Work' }] }, ['duplicate_edge']],
  ['an edge to itself', { add_edges: [{ source: 'Work', target: 'Work' }] }, ['self_edge']],
  [
    'an edge into a trigger',
    { add_edges: [{ source: 'Work', target: 'Start' }] },
    ['edge_into_trigger', 'edge_cycle'],
  ],
  [
    'an edge out of a response',
    { add_edges: [{ source: 'Done', target: 'Work' }] },
    ['edge_out_of_response'],
  ],
  [
    'a handle on a plain block',
    { add_edges: [{ source: 'Work', target: 'Other', sourceHandle: 'if' }] },
    ['handle_not_allowed'],
  ],
  [
    'no handle on a condition',
    { add_edges: [{ source: 'Check', target: 'Other', sourceHandle: null }] },
    ['handle_required'],
  ],
  [
    'a branch that a condition lacks',
    { add_edges: [{ source: 'Check', target: 'Other', sourceHandle: 'elif_2' }] },
    ['unknown_handle'],
  ],
  [
    'a branch that a split lacks',
    { add_edges: [{ source: 'Fan', target: 'Other', sourceHandle: '3' }] },
    ['unknown_handle'],
  ],
  [
    'removing an edge that is not there',
    { remove_edges: [{ source: 'Work', target: 'Other' }] },
    ['unknown_edge'],
  ],
  ['a second trigger', { add_blocks: [{ type: 'webhook', name: 'Hook' }] }, ['second_trigger']],
  ['another type', { update_blocks: [{ id: 'Work', type: 'agent' }] }, ['locked_field']],
  [
    'a position beyond any canvas',
    { update_blocks: [{ id: 'Work', position: { x: 1e300, y: 0 } }] },
    ['invalid_edit'],
  ],
  [
    'a config that is too large',
    { update_blocks: [{ id: 'Work', config: { x: 'é'.repeat(MAX_CONFIG_BYTES / 2) } }] },
    ['config_too_large'],
  ],
  [
    'code that is too long',
    { update_blocks: [{ id: 'Work', config: { code: '€'.repeat(MAX_CODE_BYTES / 3 + 1) } }] },
    ['code_too_long'],
  ],
  [
    'text for a number',
    { add_blocks: [{ type: 'response', name: 'R', config: { status_code: '200' } }] },
    ['invalid_config'],
  ],
  [
    'a status that does not exist',
    { add_blocks: [{ type: 'response', name: 'R', config: { status_code: 99 } }] },
    ['invalid_config'],
  ],
  [
    'a temperature above 2',
    { add_blocks: [{ type: 'agent', name: 'R', config: { temperature: 2.1 } }] },
    ['invalid_config'],
  ],
  [
    'an unknown method',
    { add_blocks: [{ type: 'general_api', name: 'R', config: { method: 'FETCH' } }] },
    ['invalid_config'],
  ],
  ['half a branch', { update_blocks: [{ id: 'Fan', config: { branches: 2.5 } }] }, ['invalid_config']],
  [
    'branches as text',
    { update_blocks: [{ id: 'Check', config: { branches: '[{"expression":"true"}]' } }] },
    ['invalid_config'],
  ],
];
for (const [title, edit, expected] of refusals) {
  test(`refuses ${title}`, () => assert.deepEqual(codes(base, edit), expected));
}

test('what the platform owns can be neither set nor changed', () => {
  const config = { webhook_id: 'w', webhook_secret: 's' };
  const on = graph([block('Hook', { type: 'webhook', config })]);
  assert.deepEqual(codes(on, { update_blocks: [{ id: 'Hook', config: { webhook_secret: null } }] }), [
    'server_owned_field',
  ]);
  assert.deepEqual(codes(graph([]), { add_blocks: [{ type: 'webhook', name: 'H', config }] }), [
    'server_owned_field',
    'server_owned_field',
  ]);
  accepted(on, { update_blocks: [{ id: 'Hook', config: { webhook_id: 'w' }, enabled: false }] });
});

test('the unlikely depth of a config is refused, however deep', () => {
  let deep: Json = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  assert.deepEqual(codes(base, { update_blocks: [{ id: 'Work', config: { deep } }] }), ['invalid_edit']);
});

test('problems come with what to do', () => {
  const hint = (edit: GraphEdit) => refused(base, edit)[0]!.hint ?? '';
  assert.match(hint({ add_blocks: [{ type: 'agnet', name: 'N' }] }), /Nearest: agent/);
  assert.match(hint({ add_blocks: [{ type: 'code', name: 'Work' }] }), /Work 2/);
  assert.match(hint({ add_blocks: [{ type: 'code', name: 'Step (v2)' }] }), /Step v2/);
  assert.match(hint({ update_blocks: [{ id: 'Wrok', enabled: false }] }), /Nearest: Work/);
  assert.match(hint({ add_edges: [{ source: 'Check', target: 'Work' }] }), /if, elif_1, else/);
});

test('a cycle is reported once, by the edge that closes it, with its path', () => {
  const on = graph([block('A'), block('B'), block('C')], ['a -> b', 'b -> c']);
  const problems = refused(on, { add_edges: [{ source: 'C', target: 'A' }] });
  assert.equal(problems.length, 1);
  assert.equal(problems[0]!.code, 'edge_cycle');
  assert.match(problems[0]!.message, /C -> A -> B -> C/);
});

test('an edge moves on when its end is replaced in the same call', () => {
  const on = graph([block('A'), block('B'), block('C')], ['a -> b', 'b -> c']);
  accepted(on, {
    remove_edges: [
      { source: 'A', target: 'B' },
      { source: 'B', target: 'C' },
    ],
    add_edges: [
      { source: 'C', target: 'B' },
      { source: 'B', target: 'A' },
    ],
  });
});

test('shrinking the branches needs the stale edges gone in the same call', () => {
  const on = graph([check, block('Work')], ['check[elif_1] -> work']);
  const config = { branches: [{ expression: '1 == 1' }] };
  assert.deepEqual(codes(on, { update_blocks: [{ id: 'Check', config }] }), ['unknown_handle']);
  accepted(on, {
    update_blocks: [{ id: 'Check', config }],
    remove_edges: [{ source: 'Check', target: 'Work' }],
  });
});

test('output and null are the plain handle', () => {
  const outcome = accepted(base, {
    add_edges: [{ source: 'Work', target: 'Other', sourceHandle: 'output' }],
  });
  assert.deepEqual(outcome.graph.edges.at(-1), { source: 'work', target: 'other' });
});

test('the optional step round a condition is left alone', () => {
  const on = graph(
    [start, check, block('B'), block('C')],
    ['start -> check', 'check[if] -> b', 'check[else] -> c', 'b -> c'],
  );
  const outcome = accepted(on, { update_blocks: [{ id: 'B', config: { code: 'output = 2' } }] });
  assert.deepEqual(outcome.graph.edges, on.edges);
  assert.deepEqual(outcome.warnings, []);
});

test('existing faults never reject an edit', () => {
  const hook = block('Hook', { type: 'webhook', config: {} });
  const faulty = graph(
    [
      start,
      hook,
      block('Work'),
      block('work', { id: 'w2' }),
      block('a.b', { id: 'ab' }),
      block('Odd', { type: 'odd' }),
    ],
    ['work -> w2', 'w2 -> work', 'ghost -> work', 'work[if] -> ab', 'ab -> ab', 'ab -> start', 'work -> w2'],
  );
  accepted(faulty, { update_blocks: [{ id: 'Odd', config: { a: 1 } }] });
  accepted(faulty, { remove_blocks: ['Hook'] });
  accepted(faulty, { update_blocks: [{ id: 'Start', name: 'Begin' }] });
  accepted(faulty, {
    add_blocks: [{ type: 'code', name: 'New' }],
    add_edges: [{ source: 'new', target: 'Work #1' }],
  });
});

test('where ids are names, renaming one of two triggers is no new fault', () => {
  const named = (name: string, type: string) => block(name, { id: name, type, config: {} });
  const on = graph([named('A', 'starter'), named('B', 'webhook')]);
  accepted(on, { update_blocks: [{ id: 'A', name: 'C' }] });
});

test('a graph that is too large can be made smaller', () => {
  const blocks = Array.from({ length: MAX_BLOCKS + 5 }, (_, n) => block(`B${n}`));
  accepted({ blocks, edges: [] }, { remove_blocks: ['B1'] });
  assert.deepEqual(codes({ blocks, edges: [] }, { add_blocks: [{ type: 'code', name: 'New' }] }), [
    'too_many_blocks',
  ]);
});

test('an edge that leads nowhere can be removed by what it says, and one of two equal ones with the other', () => {
  const on = graph([block('A'), block('B')], ['a -> ghost', 'a -> b', 'a -> b']);
  assert.deepEqual(accepted(on, { remove_edges: [{ source: 'A', target: 'ghost' }] }).graph.edges.length, 2);
  assert.deepEqual(accepted(on, { remove_edges: [{ source: 'A', target: 'B' }] }).graph.edges, [
    edge('a -> ghost'),
  ]);
});

test('a name that would connect a broken edge is refused', () => {
  const on = graph([block('A', { id: 'A' }), block('B', { id: 'B' })], ['B -> ghost', 'A -> B']);
  assert.deepEqual(codes(on, { update_blocks: [{ id: 'A', name: 'ghost' }] }), ['duplicate_name']);
});

test('new blocks warn of what they still need, old warnings are not repeated', () => {
  const on = graph([start, block('Old', { type: 'agent', config: { odd: 1 } })]);
  const outcome = accepted(on, { add_blocks: [{ type: 'condition', name: 'If', config: { odd: 1 } }] });
  const found = outcome.warnings.map((warning) => `${warning.code} ${warning.block}`);
  assert.deepEqual([...new Set(found)].sort(), [
    'branch_without_edge If',
    'missing_config If',
    'unknown_config_key If',
    'unreachable If',
  ]);
});

test('an update that changes nothing says so', () => {
  const outcome = accepted(base, { update_blocks: [{ id: 'Work', config: { code: 'output = 1' } }] });
  assert.deepEqual(outcome.changes, {});
  assert.equal(outcome.warnings[0]!.code, 'nothing_changed');
  assert.deepEqual(outcome.graph, base);
});
