import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyDiff, DiffConflictError } from '../../../domain/graph/apply-diff.ts';
import { checkGraph } from '../../../domain/rules/check-graph.ts';
import { diffGraph } from '../../../domain/graph/diff-graph.ts';
import { edgeKey } from '../../../domain/graph/edge.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Graph, WorkflowDiff } from '../../../domain/graph/graph.ts';
import { summarizeDiff } from '../../../domain/graph/summarize-diff.ts';
import {
  anyEdit,
  anyGraph,
  anyJsonEdit,
  block,
  countingIds,
  graph,
  namedGraph,
} from '../../support/graph-builders.ts';
import { repeats } from '../../support/repeats.ts';

const RUNS = { numRuns: repeats({ test: 80, soak: 400 }) };

function assertSameGraph(actual: Graph, expected: Graph): void {
  const blocks = (of: Graph) => new Map(of.blocks.map((item) => [item.id, item]));
  assert.deepEqual(blocks(actual), blocks(expected));
  const edges = (of: Graph) => [...new Set(of.edges.map(edgeKey))].sort();
  assert.deepEqual(edges(actual), edges(expected));
}

/** Through JSON, as a diff travels. */
function wire(diff: WorkflowDiff): WorkflowDiff {
  return JSON.parse(JSON.stringify(diff)) as WorkflowDiff;
}

/** The graph after each edit that is accepted, in order. */
function* editAll(base: Graph, edits: readonly GraphEdit[]): Generator<{ before: Graph; after: Graph }> {
  const newId = countingIds();
  let aliases: ReadonlyMap<string, string> = new Map();
  let current = base;
  for (const edit of edits) {
    const outcome = editGraph({ graph: current, edit, newId, aliases });
    if (!outcome.applied) {
      assert.ok(outcome.problems.length > 0);
      continue;
    }
    yield { before: current, after: outcome.graph };
    current = outcome.graph;
    aliases = outcome.aliases;
  }
}

test('applying the diff of two graphs to the one gives the other', () => {
  fc.assert(
    fc.property(anyGraph, anyGraph, (base, other) => {
      // An edge to nowhere can't be introduced, only kept.
      const nowhere = base.edges.some((item) => [item.source, item.target].includes('ghost'));
      const ids = new Set([...other.blocks.map((item) => item.id), ...(nowhere ? ['ghost'] : [])]);
      const work = {
        blocks: other.blocks,
        edges: other.edges.filter((item) => ids.has(item.source) && ids.has(item.target)),
      };
      const diff = diffGraph(base, work);
      assertSameGraph(diff === null ? base : applyDiff(base, wire(diff)), work);
    }),
    RUNS,
  );
});

test('a graph does not differ from itself, nor from a copy', () => {
  fc.assert(
    fc.property(anyGraph, (base) => {
      assert.equal(diffGraph(base, base), null);
      assert.equal(diffGraph(base, structuredClone(base)), null);
    }),
    RUNS,
  );
});

for (const [form, graphs] of [
  ['ids', anyGraph],
  ['names as ids', namedGraph],
] as const) {
  test(`edits of a graph with ${form}: the diff gives the working graph, and nothing else is touched`, () => {
    fc.assert(
      fc.property(graphs, fc.array(anyEdit, { maxLength: 6 }), (base, edits) => {
        const text = JSON.stringify(base);
        let work = base;
        for (const { after } of editAll(base, edits)) {
          work = after;
          const diff = diffGraph(base, work);
          const applied = diff === null ? base : applyDiff(base, wire(diff));
          assertSameGraph(applied, work);
          const touched = new Set([
            ...(diff?.add_blocks ?? []).map((item) => item.id),
            ...(diff?.update_blocks ?? []).map((item) => item.id),
          ]);
          for (const item of work.blocks) {
            if (touched.has(item.id)) continue;
            const was = base.blocks.find((other) => other.id === item.id);
            assert.equal(JSON.stringify(item), JSON.stringify(was));
          }
        }
        assert.equal(JSON.stringify(base), text, 'the base is never changed');
      }),
      RUNS,
    );
  });

  test(`an accepted edit of a graph with ${form} introduces no error`, () => {
    fc.assert(
      fc.property(graphs, fc.array(anyEdit, { maxLength: 6 }), (base, edits) => {
        const errorCount = (of: Graph): Map<string, number> => {
          const counts = new Map<string, number>();
          for (const found of checkGraph(of)) {
            if (found.problem.severity === 'error') counts.set(found.code, (counts.get(found.code) ?? 0) + 1);
          }
          return counts;
        };
        for (const { before, after } of editAll(base, edits)) {
          const was = errorCount(before);
          for (const [code, count] of errorCount(after)) assert.ok(count <= (was.get(code) ?? 0), code);
        }
      }),
      RUNS,
    );
  });
}

test('any JSON as an edit is answered, never thrown at', () => {
  fc.assert(
    fc.property(anyGraph, anyJsonEdit, (base, edit) => {
      const outcome = editGraph({
        graph: base,
        edit: edit as GraphEdit,
        newId: countingIds(),
        aliases: new Map(),
      });
      assert.equal(typeof outcome.applied, 'boolean');
    }),
    RUNS,
  );
});

test('what is added and removed again leaves nothing', () => {
  fc.assert(
    fc.property(anyGraph, fc.constantFrom('code', 'condition', 'split', 'agent'), (base, type) => {
      const newId = countingIds();
      const added = editGraph({
        graph: base,
        edit: { add_blocks: [{ id: 'n1', type, name: 'Quite new' }] },
        newId,
        aliases: new Map(),
      });
      assert.ok(added.applied);
      const removed = editGraph({
        graph: added.graph,
        edit: { remove_blocks: ['n1'] },
        newId,
        aliases: added.aliases,
      });
      assert.ok(removed.applied);
      assert.equal(diffGraph(base, removed.graph), null);
    }),
    RUNS,
  );
});

test('edits keep the order of blocks and edges through the diff', () => {
  const base = graph([block('A'), block('B'), block('C')], ['a -> b', 'b -> c']);
  const work = [
    ...editAll(base, [
      { add_blocks: [{ id: 'd', type: 'code', name: 'D' }], add_edges: [{ source: 'C', target: 'd' }] },
      { remove_blocks: ['B'], update_blocks: [{ id: 'A', config: { code: 'output = 2' } }] },
      { add_blocks: [{ type: 'code', name: 'E' }], add_edges: [{ source: 'A', target: 'C' }] },
    ]),
  ].at(-1)!.after;
  assert.deepEqual(applyDiff(base, diffGraph(base, work)!), work);
});

test('a diff holds changed top-level keys with their whole value, and null for a removed one', () => {
  const config = { url: 'https://a.test', headers: { a: '1', b: '2' }, body: 'x' };
  const base = graph([block('Call', { type: 'general_api', config })]);
  const [step] = editAll(base, [
    { update_blocks: [{ id: 'Call', config: { headers: { b: null }, body: null } }] },
  ]);
  assert.deepEqual(diffGraph(base, step!.after), {
    update_blocks: [{ id: 'call', config: { headers: { a: '1' }, body: null } }],
  });
});

test('empty keys are left out, and edges of a removed block are not listed', () => {
  const base = graph([block('A'), block('B'), block('C')], ['a -> b', 'b -> c']);
  const work = graph([block('A'), block('C')], ['a -> c']);
  assert.deepEqual(diffGraph(base, work), {
    remove_blocks: ['b'],
    add_edges: [{ source: 'a', target: 'c' }],
  });
});

test('a new block that is switched off is added and updated', () => {
  const off = block('A', { enabled: false });
  const diff = diffGraph(graph([]), graph([off]))!;
  assert.deepEqual(diff.update_blocks, [{ id: 'a', config: {}, enabled: false }]);
  assert.ok(!('enabled' in diff.add_blocks![0]!));
  assert.deepEqual(applyDiff(graph([]), diff).blocks, [off]);
});

test('where ids are names, a rename is a removed and an added block with its edges', () => {
  const named = (name: string) => block(name, { id: name });
  const base = graph([named('A'), named('B'), named('C')], ['A -> B', 'B -> C']);
  const [step] = editAll(base, [{ update_blocks: [{ id: 'B', name: 'Bee' }] }]);
  const diff = diffGraph(base, step!.after)!;
  assert.deepEqual(diff.remove_blocks, ['B']);
  assert.deepEqual(
    diff.add_blocks!.map(({ id, name }) => [id, name]),
    [['Bee', 'Bee']],
  );
  assert.deepEqual(diff.add_edges, [
    { source: 'A', target: 'Bee' },
    { source: 'Bee', target: 'C' },
  ]);
  assert.equal(diff.remove_edges, undefined);
  assert.equal(diff.update_blocks, undefined);
});

test('a rename takes along even an edge that leads nowhere', () => {
  const base = graph([block('A', { id: 'A' })], ['A -> ghost']);
  const [step] = editAll(base, [{ update_blocks: [{ id: 'A', name: 'Bee' }] }]);
  assert.deepEqual(applyDiff(base, diffGraph(base, step!.after)!), step!.after);
});

test('with ids of their own, a rename is an update with a name', () => {
  const base = graph([block('A')]);
  const [step] = editAll(base, [{ update_blocks: [{ id: 'A', name: 'Bee' }] }]);
  assert.deepEqual(diffGraph(base, step!.after), { update_blocks: [{ id: 'a', config: {}, name: 'Bee' }] });
});

test('what does not fit is a conflict that names every block in the way', () => {
  const base = graph([block('A'), block('B')], ['a -> b']);
  const cases: [WorkflowDiff, string[]][] = [
    [{ remove_blocks: ['gone'] }, ['gone']],
    [{ update_blocks: [{ id: 'gone', config: {} }], remove_blocks: ['lost'] }, ['lost', 'gone']],
    [{ add_blocks: [block('A')] }, ['A']],
    [{ remove_edges: [{ source: 'b', target: 'a' }] }, ['B']],
    [{ remove_blocks: ['b'], add_edges: [{ source: 'a', target: 'b' }] }, ['B']],
  ];
  for (const [diff, blocks] of cases) {
    assert.throws(
      () => applyDiff(base, diff),
      (error: unknown) => {
        assert.ok(error instanceof DiffConflictError);
        assert.deepEqual(error.blocks, blocks);
        return true;
      },
    );
  }
});

test('a plain handle in a diff may be written in every way', () => {
  const base = graph([block('A'), block('B')], ['a -> b']);
  for (const sourceHandle of [null, 'output', '']) {
    const diff = { remove_edges: [{ source: 'a', target: 'b', sourceHandle }] } as unknown as WorkflowDiff;
    assert.deepEqual(applyDiff(base, diff).edges, []);
  }
});

test('the summary of a diff is short, whatever the diff holds', () => {
  const added = { type: 'code', position: { x: 0, y: 0 }, config: {} };
  assert.equal(
    summarizeDiff({
      add_blocks: [{ ...added, id: '1', name: 'Notify' }],
      update_blocks: [{ id: 'Start', config: { input: {} } }],
      remove_blocks: ['Old', 'Older'],
      add_edges: [{ source: 'Start', target: '1' }],
    }),
    '+1 block (Notify: code), ~1 block (Start), -2 blocks (Old, Older), +1 edge',
  );
  const many = Array.from({ length: 5_000 }, (_, n) => ({
    ...added,
    id: String(n),
    name: '💥'.repeat(5_000),
  }));
  const summary = summarizeDiff({ add_blocks: many, remove_blocks: many.map((item) => item.name) });
  assert.ok(summary.length < 1_000);
  assert.ok(summary.isWellFormed());
});
