/** What a tool result shows of a graph. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeGraph } from '../../../activities/tools/run-edit.ts';
import { block, graph } from '../../support/graph-builders.ts';

const start = block('Start', { type: 'starter', config: { input: {} } });

test('the summary of a graph names blocks and edges, no configs', () => {
  assert.deepEqual(describeGraph(graph([start, block('Work')], ['start -> work'])), {
    blocks: [
      { id: 'start', name: 'Start', type: 'starter' },
      { id: 'work', name: 'Work', type: 'code' },
    ],
    edges: [{ source: 'start', target: 'work' }],
  });
});
