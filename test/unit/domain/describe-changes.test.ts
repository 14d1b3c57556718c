/** What a user has changed on the canvas, in words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeChanges, readCanvas } from '../../../domain/graph/describe-changes.ts';
import { anyGraph, block, edge, graph } from '../../support/graph-builders.ts';

const base = graph(
  [block('Start', { type: 'starter' }), block('Work'), block('End', { type: 'response' })],
  ['start -> work', 'work -> end'],
);
const words = (now: typeof base): string | undefined => describeChanges(base, now)?.words;

test('every kind of change has its words, and no value of a field is in them', () => {
  const now = graph(
    [
      block('Start', { type: 'starter', enabled: false }),
      { ...block('Work', { config: { code: 'secret', timeout: 5 } }), name: 'Job', id: 'work' },
      block('Notify', { type: 'general_api', config: { url: 'https://secret.example.com' } }),
    ],
    ['start -> work', 'work -> notify'],
  );
  const text = words(now)!;
  for (const part of [
    'added Notify (general_api)',
    'removed End',
    'renamed Work to Job',
    'changed code, timeout, language of Job',
    'disabled Start',
    'connected Job to Notify',
  ])
    assert.ok(text.includes(part), `${part}: ${text}`);
  assert.ok(!/secret/.test(text));
});

test('a branch is named, moves are counted, and rounding is no move', () => {
  const branches = graph([block('Check', { type: 'condition' }), block('A'), block('B')], ['check[if] -> a']);
  const more = {
    blocks: branches.blocks.map((item) => ({
      ...item,
      position: { x: item.position.x + 50, y: item.position.y },
    })),
    edges: [...branches.edges, { source: 'check', target: 'b', sourceHandle: 'else' }],
  };
  assert.equal(describeChanges(branches, more)!.words, 'connected Check to B (else); moved 3 blocks');
  const rounded = {
    ...branches,
    blocks: branches.blocks.map((item) => ({
      ...item,
      position: { x: item.position.x + 0.4, y: item.position.y },
    })),
  };
  assert.equal(describeChanges(branches, rounded), null);
});

test('a block of another type is rebuilt, and its edges are no news', () => {
  const now = {
    ...base,
    blocks: base.blocks.map((item) => (item.id === 'work' ? { ...item, type: 'agent', config: {} } : item)),
  };
  assert.equal(words(now), 'rebuilt Work');
});

test('an editor that gives a block another id has not replaced it', () => {
  const renamed = {
    blocks: base.blocks.map((item) => (item.id === 'work' ? { ...item, id: 'Work' } : item)),
    edges: [
      { source: 'start', target: 'Work' },
      { source: 'Work', target: 'end' },
    ],
  };
  assert.equal(describeChanges(base, renamed), null);
});

test('without a record, the canvas tells whether the change of the last turn is on it', () => {
  const working = {
    blocks: [...base.blocks, block('Notify')],
    edges: [...base.edges, edge('work -> notify')],
  };
  const read = (now: typeof base, recorded: 'applied' | 'undone' | null = null) =>
    readCanvas({ base, working, now, recorded });
  assert.deepEqual(read(working), { applied: true, userChanges: null });
  assert.deepEqual(read(base), { applied: false, userChanges: null });
  const disabled = (of: typeof base) => ({
    ...of,
    blocks: of.blocks.map((item) => (item.id === 'work' ? { ...item, enabled: false } : item)),
  });
  assert.deepEqual(read(disabled(working)), { applied: true, userChanges: 'disabled Work' });
  assert.deepEqual(read(disabled(base)), { applied: false, userChanges: 'disabled Work' });
  // A record decides, whatever the canvas looks like.
  assert.deepEqual(read(working, 'undone'), {
    applied: false,
    userChanges: 'added Notify (code); connected Work to Notify',
  });
  assert.deepEqual(read(base, 'applied'), { applied: true, userChanges: 'removed Notify' });
});

test('the words of any two graphs are short, and equal graphs have none', () => {
  fc.assert(
    fc.property(anyGraph, anyGraph, (earlier, now) => {
      assert.equal(describeChanges(earlier, structuredClone(earlier)), null);
      const described = describeChanges(earlier, now);
      if (described) assert.ok(described.words.length < 3_000 && described.count > 0);
    }),
  );
});
