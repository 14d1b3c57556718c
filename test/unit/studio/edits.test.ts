import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Graph } from '../../../domain/graph/graph.ts';
import { parseText } from '../../../studio/src/canvas/field-text.ts';
import { renameBlock, setField } from '../../../studio/src/canvas/graph-edits.ts';

const graph: Graph = {
  blocks: [
    { id: 'a', type: 'agent', name: 'Load $1', position: { x: 0, y: 0 }, config: {}, enabled: true },
    {
      id: 'b',
      type: 'code',
      name: 'Use',
      position: { x: 0, y: 0 },
      config: { code: 'x = input_data["Load $1"]', more: ['<Load $1.output.total>', 1] },
      enabled: true,
    },
    { id: 'c', type: 'code', name: 'Other', position: { x: 0, y: 0 }, config: { code: 'y' }, enabled: true },
  ],
  edges: [],
};

test('references follow a new name, and blocks without one stay the same objects', () => {
  const { blocks } = renameBlock('a', 'Get $&')(graph);
  assert.equal(blocks[0]!.name, 'Get $&');
  assert.deepEqual(blocks[1]!.config, {
    code: 'x = input_data["Get $&"]',
    more: ['<Get $&.output.total>', 1],
  });
  assert.equal(blocks[2], graph.blocks[2]);
});

test('a field keeps its place, and is taken out by an empty value', () => {
  const set = setField('b', 'code', 'z')(graph).blocks[1]!.config;
  assert.deepEqual(Object.keys(set), ['code', 'more']);
  assert.deepEqual(setField('b', 'code', undefined)(graph).blocks[1]!.config, {
    more: graph.blocks[1]!.config.more,
  });
  assert.ok(Object.hasOwn(setField('c', '__proto__', 'x')(graph).blocks[2]!.config, '__proto__'));
});

test('a text becomes the value that its field takes', () => {
  const value = (text: string, type: Parameters<typeof parseText>[1]['type'], rest = {}) => {
    const parsed = parseText(text, { type, ...rest });
    return parsed.ok ? parsed.value : 'refused';
  };
  assert.equal(value('', 'string'), undefined);
  assert.equal(value(' a ', 'string'), ' a ');
  assert.equal(value('12', 'integer'), 12);
  assert.equal(value('1.5', 'integer'), 'refused');
  assert.equal(value('3', 'number', { max: 2 }), 'refused');
  assert.equal(value('<Start.output.n>', 'number'), '<Start.output.n>');
  assert.deepEqual(value('{"a":1}', 'object'), { a: 1 });
  assert.equal(value('[1]', 'object'), 'refused');
  assert.equal(value('{"a"', 'any'), 'refused');
  assert.equal(value('plain words', 'any'), 'plain words');
  assert.equal(value('true', 'any'), true);
  assert.equal(value('<A.output> and more', 'any'), '<A.output> and more');
});
