/** applyDiff of the client, on graphs as a canvas and as the service has them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyDiff, DiffConflictError, type StoredEdge } from '../../../client/src/index.ts';

const block = (id: string, config = {}) => ({
  id,
  type: 'code',
  name: id.toUpperCase(),
  position: { x: 0, y: 0 },
  config,
  enabled: true,
});
const stored = (source: string, target: string, sourceHandle = 'output'): StoredEdge => ({
  id: `${source}-${target}`,
  source,
  target,
  sourceHandle,
  targetHandle: 'input',
  condition: sourceHandle === 'output' ? null : sourceHandle,
});

test('a stored graph takes a diff that speaks of its plain edges', () => {
  const graph = { blocks: [block('a'), block('b')], edges: [stored('a', 'b'), stored('a', 'c', 'yes')] };
  const { blocks, edges } = applyDiff(graph, {
    remove_edges: [{ source: 'a', target: 'b' }],
    add_blocks: [{ id: 'd', type: 'code', name: 'D', position: { x: 1, y: 1 }, config: {} }],
    update_blocks: [{ id: 'b', config: { code: 'new', gone: null } }],
    add_edges: [{ source: 'a', target: 'd' }],
  });
  assert.equal(blocks[0], graph.blocks[0]);
  assert.deepEqual(blocks.slice(1), [
    block('b', { code: 'new' }),
    { ...block('d'), position: { x: 1, y: 1 } },
  ]);
  assert.deepEqual(edges, [
    { source: 'a', target: 'c', sourceHandle: 'yes' },
    { source: 'a', target: 'd' },
  ]);
  assert.deepEqual(
    graph.edges,
    [stored('a', 'b'), stored('a', 'c', 'yes')],
    'the given graph stays as it is',
  );
});

test('a diff that does not fit names the blocks in its way', () => {
  assert.throws(
    () => applyDiff({ blocks: [block('a')], edges: [] }, { remove_blocks: ['a', 'z'] }),
    (error: unknown) => error instanceof DiffConflictError && error.blocks.join() === 'z',
  );
});
