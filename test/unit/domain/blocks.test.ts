import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  blockTypes,
  describeBlockType,
  findBlockType,
  handlesOf,
  nearestNames,
} from '../../../domain/rules/block-registry.ts';
import { checkConfig } from '../../../domain/rules/check-config.ts';
import { nameKey } from '../../../domain/graph/find-block.ts';
import { layOut } from '../../../domain/graph/layout.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { isReferenceName, listReferences, rewriteReferences } from '../../../domain/rules/reference.ts';
import { block, edge } from '../../support/graph-builders.ts';
import { cpuMs } from '../../support/cpu-time.ts';

test('there are nine block types', () => {
  assert.deepEqual(blockTypes.map((type) => type.type).sort(), [
    'agent',
    'code',
    'condition',
    'general_api',
    'platform_api',
    'response',
    'split',
    'starter',
    'webhook',
  ]);
  assert.deepEqual(
    blockTypes.filter((type) => type.trigger).map((type) => type.type),
    ['starter', 'webhook'],
  );
  assert.equal(findBlockType('toString'), undefined);
});

test('every type describes itself as JSON, and its example has no error', () => {
  for (const type of blockTypes) {
    const described = describeBlockType(type);
    assert.deepEqual(JSON.parse(JSON.stringify(described)), described);
    for (const key of ['type', 'purpose', 'config', 'handles', 'outputs', 'example'])
      assert.ok(key in described);
    const config = type.example;
    const found = checkConfig(block('Example', { type: type.type, config }));
    assert.deepEqual(
      found
        .map((item) => item.problem)
        .filter((item) => item.severity === 'error' || item.code === 'missing_config'),
      [],
    );
  }
});

test('handles follow from the config', () => {
  const handles = (type: string, config: object) => handlesOf(block('X', { type, config: config as never }));
  assert.deepEqual(handles('condition', {}), ['if', 'else']);
  assert.deepEqual(handles('condition', { branches: [{}, {}, {}] }), ['if', 'elif_1', 'elif_2', 'else']);
  assert.deepEqual(handles('split', { branches: 3 }), ['1', '2', '3']);
  assert.deepEqual(handles('split', {}), ['1', '2']);
  assert.deepEqual(handles('agent', {}), []);
  assert.deepEqual(handles('mystery', {}), []);
  assert.ok(handles('split', { branches: 1e15 }).length <= 1_000);
});

test('the nearest names come first, far ones not at all', () => {
  const names = blockTypes.map((type) => type.type);
  assert.equal(nearestNames('Agnet', names, 3)[0], 'agent');
  assert.equal(nearestNames('conditon', names, 1)[0], 'condition');
  assert.ok(nearestNames('api', names, 3).includes('general_api'));
  assert.deepEqual(nearestNames('xyzzyxyzzyxyzzy', names, 3), []);
});

test('references are found in every place of a config', () => {
  assert.deepEqual(
    listReferences({ a: ['<Work A.output> <x.output.y.z>', { b: '<B.output> < not.output>' }], c: 3 }).map(
      ({ name, path }) => [name, path],
    ),
    [
      ['Work A', ''],
      ['x', '.y.z'],
      ['B', ''],
      [' not', ''],
    ],
  );
  assert.deepEqual(
    listReferences({ code: 'input_data["A"]["output"] + input_data.get(\'B-1\')' }).map(({ name }) => name),
    ['A', 'B-1'],
  );
});

test('names that references can spell', () => {
  for (const name of ['Work', 'a b', 'x-1', '_', 'Ärger', '数']) assert.ok(isReferenceName(name), name);
  for (const name of ['', 'a.b', 'a<b', 'Work #1', 'Step (v2)', 'a\nb'])
    assert.ok(!isReferenceName(name), name);
});

test('renaming there and back is the same config; what refers to nothing is the same object', () => {
  const renamed = (config: JsonObject, from: string, to: string): JsonObject =>
    rewriteReferences(config, (name) => (name === nameKey(from) ? to : null));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const config = { a: `${text}<Old.output.x>${text}`, b: [text] };
      assert.equal(renamed(config, 'Quite Absent', 'X'), config);
      const there = renamed(config, 'Old', '$1 New');
      assert.ok(JSON.stringify(there).includes('<$1 New.output.x>'));
      assert.deepEqual(renamed(renamed(config, 'Old', 'New'), 'New', 'Old'), config);
    }),
  );
});

test('the first block stands near (300, 50), its children below it side by side', () => {
  const blocks = ['Start', 'A', 'B', 'End'].map((name) => block(name, { position: { x: 0, y: 0 } }));
  const edges = ['start -> a', 'start -> b', 'a -> end', 'b -> end'].map(edge);
  const at = layOut(blocks, edges, new Set(blocks.map((item) => item.id)));
  assert.deepEqual(at.get('start'), { x: 300, y: 50 });
  assert.equal(at.get('a')!.y, 250);
  assert.equal(at.get('b')!.y, 250);
  assert.notEqual(at.get('a')!.x, at.get('b')!.x);
  assert.equal(at.get('end')!.y, 450);
});

test('a new block above existing ones stands above them', () => {
  const blocks = [block('Old', { position: { x: 300, y: 50 } }), block('New')];
  assert.deepEqual(layOut(blocks, [edge('new -> old')], new Set(['new'])).get('new'), { x: 300, y: -150 });
});

test('no new block overlaps another, and every one stands below its parents', () => {
  const coordinate = fc.oneof(fc.integer({ min: -500, max: 500 }), fc.constantFrom(1e9, -1e9, 1e308, 0.5));
  fc.assert(
    fc.property(
      fc.array(fc.record({ x: coordinate, y: coordinate }), { maxLength: 5 }),
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.tuple(fc.nat(12), fc.nat(12)), { maxLength: 20 }),
      (old, count, pairs) => {
        const existing = old.map((position, n) => block(`B${n}`, { position }));
        const added = Array.from({ length: count }, (_, n) => block(`B${old.length + n}`));
        const blocks = [...existing, ...added];
        // Upwards only, so that there is no cycle.
        const edges = pairs
          .filter(([a, b]) => a < b && b < blocks.length)
          .map(([a, b]) => ({ source: `b${a}`, target: `b${b}` }));
        const at = layOut(blocks, edges, new Set(added.map((item) => item.id)));
        assert.deepEqual([...at.keys()].sort(), added.map((item) => item.id).sort());
        const position = (id: string) => at.get(id) ?? blocks.find((item) => item.id === id)!.position;
        for (const { id } of added) {
          const mine = position(id);
          for (const other of blocks) {
            if (other.id === id) continue;
            const theirs = position(other.id);
            assert.ok(Math.abs(mine.x - theirs.x) >= 250 || Math.abs(mine.y - theirs.y) >= 120);
          }
          for (const { source, target } of edges) {
            const above = position(source).y;
            if (target === id && above < 1e9 - 300) assert.ok(mine.y > above);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('a thousand children of one block find their places at once', () => {
  const blocks = [block('Root'), ...Array.from({ length: 999 }, (_, n) => block(`C${n}`))];
  const edges = blocks.slice(1).map((item) => ({ source: 'root', target: item.id }));
  const from = cpuMs();
  layOut(blocks, edges, new Set(blocks.slice(1).map((item) => item.id)));
  assert.ok(cpuMs() - from < 2_000);
});
