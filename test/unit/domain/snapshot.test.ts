/**
 * Applying a diff to a persisted graph, and reverting it. One file, because most cases apply and revert the same graphs.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DiffConflictError } from '../../../domain/graph/apply-diff.ts';
import { diffGraph } from '../../../domain/graph/diff-graph.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Block, Graph, WorkflowDiff } from '../../../domain/graph/graph.ts';
import { planRevert, planSnapshot } from '../../../domain/edit/snapshot.ts';
import { anyEdit, block, countingIds, edge, graph } from '../../support/graph-builders.ts';

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const newIds = () => {
  let count = 900;
  return () => uuid(++count);
};
const [A, B, C] = [uuid(1), uuid(2), uuid(3)];
const persisted = graph(
  [block('A', { id: A }), block('B', { id: B }), block('C', { id: C, enabled: false })],
  [`${A} -> ${B}`, `${B} -> ${C}`],
);
/** The same canvas with display names as ids. */
const named = graph(
  [block('A', { id: 'A' }), block('B', { id: 'B' }), block('C', { id: 'C' })],
  ['A -> B', 'B -> C'],
);

function changed(on: Graph, edit: GraphEdit): { work: Graph; diff: WorkflowDiff } {
  const outcome = editGraph({ graph: on, edit, newId: newIds(), aliases: new Map() });
  assert.ok(outcome.applied, JSON.stringify(outcome));
  return { work: outcome.graph, diff: diffGraph(on, outcome.graph)! };
}

function snapshot(
  preSnapshot: Graph,
  diff: WorkflowDiff,
  overrides: Partial<Parameters<typeof planSnapshot>[0]> = {},
) {
  return planSnapshot({
    persisted,
    preSnapshot,
    enabledGiven: new Set(),
    diff,
    newId: newIds(),
    ...overrides,
  });
}

const find = (of: Graph, name: string): Block | undefined => of.blocks.find((item) => item.name === name);

function conflict(run: () => unknown): string[] {
  try {
    run();
  } catch (error: unknown) {
    assert.ok(error instanceof DiffConflictError, String(error));
    return error.blocks;
  }
  return assert.fail('there should be a conflict');
}

const EDIT: GraphEdit = {
  add_blocks: [{ id: 'n', type: 'code', name: 'New', config: { code: 'x' } }],
  update_blocks: [{ id: 'A', config: { code: 'changed' } }],
  remove_blocks: ['B'],
  add_edges: [
    { source: 'A', target: 'n' },
    { source: 'n', target: 'C' },
  ],
};

for (const [state, canvas] of [
  [named, named],
  [named, persisted],
  [persisted, persisted],
] as const) {
  const form = (of: Graph) => (of === named ? 'names' : 'UUIDs');
  test(`a diff in ${form(state)} is applied to a canvas in ${form(canvas)}`, () => {
    const { graph: result } = snapshot(canvas, changed(state, EDIT).diff);
    assert.deepEqual(result.blocks.map((item) => item.name).sort(), ['A', 'C', 'New']);
    assert.equal(find(result, 'A')!.id, A);
    assert.equal(find(result, 'C')!.id, C);
    assert.equal(find(result, 'A')!.config.code, 'changed');
    const added = find(result, 'New')!.id;
    assert.deepEqual(result.edges, [edge(`${A} -> ${added}`), edge(`${added} -> ${C}`)]);
  });
}

test('a block keeps its enabled flag unless the canvas or the diff says otherwise', () => {
  const { diff } = changed(named, { update_blocks: [{ id: 'A', config: { code: 'x' } }] });
  assert.equal(find(snapshot(named, diff).graph, 'C')!.enabled, false);
  assert.equal(find(snapshot(named, diff, { enabledGiven: new Set(['C']) }).graph, 'C')!.enabled, true);
  const off = changed(named, { update_blocks: [{ id: 'A', enabled: false }] }).diff;
  assert.equal(find(snapshot(named, off).graph, 'A')!.enabled, false);
});

test('a rename where ids are names becomes a new block with the edges of the old one', () => {
  const { diff } = changed(named, { update_blocks: [{ id: 'B', name: 'Bee' }] });
  for (const canvas of [named, persisted]) {
    const { graph: result } = snapshot(canvas, diff);
    const bee = find(result, 'Bee')!.id;
    assert.notEqual(bee, B);
    assert.deepEqual(result.edges, [edge(`${A} -> ${bee}`), edge(`${bee} -> ${C}`)]);
  }
});

test('Name #n is the nth block of that name', () => {
  const twins = graph([block('Work', { id: A }), block('Work', { id: B })]);
  const state = graph([block('Work #1', { id: 'Work #1' }), block('Work #2', { id: 'Work #2' })]);
  const { diff } = changed(state, { update_blocks: [{ id: 'Work #2', config: { code: 'two' } }] });
  for (const canvas of [twins, state]) {
    const { graph: result } = snapshot(canvas, diff, { persisted: twins });
    assert.deepEqual(
      result.blocks.map((item) => [item.id, item.config.code]),
      [
        [A, 'output = 1'],
        [B, 'two'],
      ],
    );
  }
});

test('what matches no persisted block gets a new id, a UUID keeps itself, and none is given twice', () => {
  const canvas = graph([
    block('Fresh', { id: 'agent_1' }),
    block('Other', { id: uuid(77) }),
    block('A', { id: 'x' }),
    block('A', { id: 'y' }),
    block('Up', { id: 'ABCDEF00-0000-4000-8000-000000000000' }),
    block('Low', { id: 'abcdef00-0000-4000-8000-000000000000' }),
  ]);
  const { diff } = changed(canvas, { add_blocks: [{ type: 'code', name: 'New' }] });
  const ids = snapshot(canvas, diff).graph.blocks.map((item) => item.id);
  assert.equal(new Set(ids).size, 7);
  assert.equal(ids[1], uuid(77));
  assert.equal(ids[2], A);
  for (const id of ids) assert.match(id, /^[0-9a-f-]{36}$/);
});

test('a diff that no longer fits names the blocks', () => {
  const { diff } = changed(named, EDIT);
  const without = graph([block('A', { id: A }), block('C', { id: C })]);
  assert.deepEqual(
    conflict(() => snapshot(without, diff)),
    ['B'],
  );
});

test('what the platform owns stays as it is persisted', () => {
  const hook = (config: Block['config']) => block('Hook', { id: A, type: 'webhook', config });
  const own = graph([hook({ webhook_id: 'w', webhook_secret: 's' })]);
  const canvas = graph([hook({ webhook_secret: 'forged' })]);
  const diff: WorkflowDiff = { update_blocks: [{ id: A, config: {}, enabled: false }] };
  const [result] = snapshot(canvas, diff, { persisted: own }).graph.blocks;
  assert.deepEqual(result!.config, { webhook_secret: 's', webhook_id: 'w' });
});

test('a canvas that the columns can not hold never reaches them', () => {
  const diff: WorkflowDiff = { add_blocks: [{ ...block('New'), id: uuid(9) }] };
  const broken = graph([block('A', { id: A })], [`${A} -> ghost`]);
  assert.deepEqual(snapshot(broken, diff).graph.edges, []);
  const long = 'n'.repeat(256);
  assert.deepEqual(
    conflict(() => snapshot(graph([block(long, { id: A })]), diff)),
    [long.slice(0, 100)],
  );
});

const after = (edit: GraphEdit) => {
  const { graph: made, without } = snapshot(persisted, changed(persisted, edit).diff);
  return { before: without, after: made };
};
const byId = (of: Graph) => new Map(of.blocks.map((item) => [item.id, item]));

test('a revert right after the snapshot leads back', () => {
  const plan = after(EDIT);
  const reverted = planRevert({ ...plan, current: plan.after });
  assert.deepEqual(byId(reverted), byId(persisted));
  assert.deepEqual(
    reverted.edges.map((item) => JSON.stringify(item)).sort(),
    persisted.edges.map((item) => JSON.stringify(item)).sort(),
  );
});

test('reverting any edit leads back', () => {
  fc.assert(
    fc.property(fc.array(anyEdit, { maxLength: 4 }), (edits) => {
      const base = graph(
        ['Start', 'Work', 'Check', 'c'].map((name, n) => block(name, { id: uuid(n + 1) })),
        [`${uuid(1)} -> ${uuid(2)}`],
      );
      const ids = newIds();
      let work = base;
      let aliases: ReadonlyMap<string, string> = new Map();
      for (const edit of edits) {
        const outcome = editGraph({ graph: work, edit, newId: ids, aliases });
        if (outcome.applied) ({ graph: work, aliases } = outcome);
      }
      const diff = diffGraph(base, work);
      if (diff === null) return;
      const plan = planSnapshot({
        persisted: base,
        preSnapshot: base,
        enabledGiven: new Set(),
        diff,
        newId: ids,
      });
      assert.deepEqual(byId(plan.graph), byId(work));
      const reverted = planRevert({ before: plan.without, after: plan.graph, current: plan.graph });
      assert.deepEqual(byId(reverted), byId(base));
      assert.deepEqual(
        new Set(reverted.edges.map((item) => JSON.stringify(item))),
        new Set(base.edges.map((item) => JSON.stringify(item))),
      );
    }),
    { numRuns: 300 },
  );
});

test('a revert keeps later edits of other blocks, other keys and positions', () => {
  const plan = after({ update_blocks: [{ id: 'A', config: { code: 'changed' }, position: { x: 1, y: 1 } }] });
  const current = structuredClone(plan.after);
  find(current, 'A')!.config.language = 'other';
  find(current, 'A')!.position = { x: 9, y: 9 };
  find(current, 'B')!.config.code = 'mine';
  current.blocks.push(block('Mine', { id: uuid(50) }));
  current.edges.push(edge(`${C} -> ${uuid(50)}`));
  const reverted = planRevert({ ...plan, current });
  assert.deepEqual(find(reverted, 'A')!.config, { code: 'output = 1', language: 'other' });
  assert.deepEqual(find(reverted, 'A')!.position, { x: 9, y: 9 });
  assert.equal(find(reverted, 'B')!.config.code, 'mine');
  assert.ok(find(reverted, 'Mine'));
  assert.equal(reverted.edges.length, 3);
});

test('an added block is found by its name when the client gave it an id of its own', () => {
  const plan = after({
    add_blocks: [{ type: 'code', name: 'New' }],
    add_edges: [{ source: 'A', target: 'New' }],
  });
  const own = uuid(60);
  const id = find(plan.after, 'New')!.id;
  const current = JSON.parse(JSON.stringify(plan.after).replaceAll(id, own)) as Graph;
  const reverted = planRevert({ ...plan, current });
  assert.deepEqual(byId(reverted), byId(persisted));
  assert.equal(reverted.edges.length, 2);
});

const conflicts: [title: string, edit: GraphEdit, later: (current: Graph) => void, blocks: string[]][] = [
  [
    'the same key was changed since',
    { update_blocks: [{ id: 'A', config: { code: 'changed' } }] },
    (current) => void (find(current, 'A')!.config.code = 'mine'),
    ['A'],
  ],
  [
    'the changed block is gone',
    { update_blocks: [{ id: 'A', config: { code: 'changed' } }] },
    (current) => void (current.blocks = current.blocks.filter((item) => item.id !== A)),
    ['A'],
  ],
  [
    'the added block was edited',
    { add_blocks: [{ type: 'code', name: 'New' }] },
    (current) => void (find(current, 'New')!.config.code = 'mine'),
    ['New'],
  ],
  [
    'the added block was connected',
    { add_blocks: [{ type: 'code', name: 'New' }] },
    (current) => void current.edges.push(edge(`${find(current, 'New')!.id} -> ${A}`)),
    ['New'],
  ],
  [
    'the name of the removed block is taken',
    { remove_blocks: ['B'] },
    (current) => void current.blocks.push(block('b', { id: uuid(70) })),
    ['B'],
  ],
  [
    'the neighbour of the removed block is gone',
    { remove_blocks: ['B'] },
    (current) => void (current.blocks = current.blocks.filter((item) => item.id !== C)),
    ['C'],
  ],
  [
    'what comes back would close a circle',
    { remove_edges: [{ source: 'A', target: 'B' }] },
    (current) => void current.edges.push(edge(`${B} -> ${A}`)),
    ['B', 'A'],
  ],
];
for (const [title, edit, later, blocks] of conflicts) {
  test(`a revert is refused where ${title}`, () => {
    const plan = after(edit);
    const current = structuredClone(plan.after);
    later(current);
    assert.deepEqual(conflict(() => planRevert({ ...plan, current })).sort(), blocks.sort());
  });
}

test('a trigger does not come back beside a newer one', () => {
  const trigger = (type: string, name: string, n: number) => block(name, { id: uuid(n), type, config: {} });
  const before = graph([trigger('starter', 'Start', 1)]);
  const current = graph([trigger('webhook', 'Hook', 2)]);
  assert.equal(conflict(() => planRevert({ before, after: graph([]), current })).length, 1);
});

test('ids are asked for only where none is known', () => {
  const { diff } = changed(named, { update_blocks: [{ id: 'A', config: { code: 'x' } }] });
  const newId = countingIds();
  snapshot(named, diff, { newId });
  assert.equal(newId(), 'new-1');
});
