import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { applyDiff } from '../../../domain/graph/apply-diff.ts';
import { diffGraph } from '../../../domain/graph/diff-graph.ts';
import type { Block, Graph } from '../../../domain/graph/graph.ts';
import { changesOfDiff, compareGraphs, summarize } from '../../../studio/src/store/changes.ts';
import { edgeKey } from '../../../studio/src/store/edges.ts';

const ids = ['a', 'b', 'c', 'd', 'e'];
const block = (id: string): fc.Arbitrary<Block> =>
  fc.record({
    id: fc.constant(id),
    type: fc.constantFrom('agent', 'code'),
    name: fc.constantFrom(`Block ${id}`, `Renamed ${id}`),
    position: fc.record({ x: fc.constantFrom(0, 10), y: fc.constantFrom(0, 10) }),
    config: fc.dictionary(
      fc.constantFrom('model', 'input', '__proto__'),
      fc.constantFrom('x', 1, null, [1]),
      {
        maxKeys: 2,
        noNullPrototype: true,
      },
    ),
    enabled: fc.boolean(),
  });
const graph: fc.Arbitrary<Graph> = fc.subarray(ids).chain((kept) =>
  fc.record({
    blocks: fc.tuple(...kept.map(block)),
    edges:
      kept.length === 0
        ? fc.constant([])
        : fc.uniqueArray(fc.record({ source: fc.constantFrom(...kept), target: fc.constantFrom(...kept) }), {
            selector: edgeKey,
            maxLength: 5,
          }),
  }),
);
const normal = ({ blocks, edges }: Graph): unknown => ({
  blocks: Object.fromEntries(blocks.map((one) => [one.id, one])),
  edges: edges.map(edgeKey).toSorted(),
});

test('what a diff would make of the canvas it was made for is what the service makes of it', () => {
  fc.assert(
    fc.property(graph, graph, (base, work) => {
      const diff = diffGraph(base, work);
      if (diff === null) return;
      const changes = changesOfDiff(base, diff);
      // A replaced block is removed and added under its own id: the service takes both in one.
      assert.deepEqual(changes.misfits, []);
      assert.deepEqual(normal(changes.target), normal(applyDiff(base, diff)));
    }),
  );
});

test('what no longer fits is named where the service would refuse it, and only there', () => {
  fc.assert(
    fc.property(graph, graph, graph, (base, work, moved) => {
      const diff = diffGraph(base, work);
      if (diff === null) return;
      let refused = false;
      try {
        applyDiff(moved, diff);
      } catch {
        refused = true;
      }
      assert.equal(changesOfDiff(moved, diff).misfits.length > 0, refused);
    }),
  );
});

test('two graphs are told apart block by block, field by field, edge by edge', () => {
  const before: Graph = {
    blocks: [
      {
        id: 'a',
        type: 'agent',
        name: 'A',
        position: { x: 0, y: 0 },
        config: { model: 'm', input: 'x' },
        enabled: true,
      },
      { id: 'b', type: 'code', name: 'B', position: { x: 0, y: 0 }, config: {}, enabled: true },
    ],
    edges: [{ source: 'a', target: 'b' }],
  };
  const after: Graph = {
    blocks: [
      { ...before.blocks[0]!, config: { model: 'n', input: 'x' } },
      { id: 'c', type: 'code', name: 'C', position: { x: 0, y: 0 }, config: { code: 'x' }, enabled: true },
    ],
    edges: [{ source: 'a', target: 'c' }],
  };
  const changes = compareGraphs(before, after);
  assert.deepEqual(
    changes.blocks.map(({ kind, name, fields }) => [kind, name, fields]),
    [
      ['changed', 'A', [{ field: 'model', before: 'm', after: 'n' }]],
      ['added', 'C', [{ field: 'code', before: undefined, after: 'x' }]],
      ['removed', 'B', []],
    ],
  );
  assert.equal(
    summarize(changes),
    '1 block added, 1 block changed, 1 block removed, 1 connection added, 1 connection removed',
  );
});
