import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph } from '../../../domain/graph/graph.ts';
import { applyLiveEdits, toLiveEdit } from '../../../studio/src/store/live-edits.ts';

const base: Graph = {
  blocks: [
    {
      id: 'id-a',
      type: 'starter',
      name: 'Start',
      position: { x: 0, y: 0 },
      config: { input: { a: 1, b: 2 } },
      enabled: true,
    },
    { id: 'id-b', type: 'response', name: 'Reply', position: { x: 0, y: 200 }, config: {}, enabled: true },
  ],
  edges: [{ source: 'id-a', target: 'id-b' }],
};

test('blocks, aliases, merge patches and edges of a call are shown, with the ids of its result', () => {
  const edit = toLiveEdit(
    {
      add_blocks: [{ id: 'notify', type: 'general_api', name: 'Notify', config: { url: 'u' } }],
      update_blocks: [{ id: 'Start', config: { input: { a: null, c: 3 } } }],
      remove_edges: [{ source: 'Start', target: 'Reply' }],
      add_edges: [
        { source: 'Start', target: 'notify' },
        { source: 'notify', target: 'Reply' },
        { source: 'notify', target: 'Nobody' },
      ],
    },
    '{"applied":true,"changes":{"added":[{"id":"id-n","name":"Notify"}]}}',
  );
  assert.ok(edit);
  const { blocks, edges } = applyLiveEdits(base, [edit]);
  assert.deepEqual(
    blocks.map(({ id, name }) => [id, name]),
    [
      ['id-a', 'Start'],
      ['id-b', 'Reply'],
      ['id-n', 'Notify'],
    ],
  );
  assert.deepEqual(blocks[0]!.config, { input: { b: 2, c: 3 } });
  assert.deepEqual(edges, [
    { source: 'id-a', target: 'id-n' },
    { source: 'id-n', target: 'id-b' },
  ]);
  const [, reply, notify] = blocks;
  assert.ok(notify!.position.x !== reply!.position.x || notify!.position.y !== reply!.position.y);
});

test('a later call refers to a block of an earlier one by its alias, also when the result was cut', () => {
  const first = toLiveEdit({ add_blocks: [{ id: 'x', type: 'code', name: 'X' }] }, '{"applied":true,"chan');
  const second = toLiveEdit({ add_edges: [{ source: 'x', target: 'Reply' }], remove_blocks: ['Start'] }, '');
  assert.ok(first && second);
  const { blocks, edges } = applyLiveEdits(base, [first, second]);
  assert.deepEqual(
    blocks.map(({ name }) => name),
    ['Reply', 'X'],
  );
  assert.deepEqual(edges, [{ source: blocks[1]!.id, target: 'id-b' }]);
});

test('nonsense changes nothing', () => {
  assert.equal(toLiveEdit('{"add_blocks"', ''), null);
  const odd = toLiveEdit(
    { add_blocks: [null, 3, { type: 1, name: 2 }], update_blocks: 'x', add_edges: [{}], remove_blocks: [{}] },
    'null',
  );
  assert.ok(odd);
  assert.deepEqual(applyLiveEdits(base, [odd]), base);
});
