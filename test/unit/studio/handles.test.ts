import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  blockTypes,
  describeBlockType,
  handlesOf as serviceHandlesOf,
} from '../../../domain/rules/block-registry.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { isIconName } from '../../../studio/src/design/icon-paths.ts';
import { handlesOf, outputsOf } from '../../../studio/src/canvas/handles.ts';

const types = blockTypes.map((type) => describeBlockType(type));

test('the page has an icon for every block type', () => {
  const without = blockTypes.filter(({ type }) => !isIconName(type));
  assert.deepEqual(without, []);
});

test('the page gives a block the outputs that the service gives it', () => {
  const branches = fc.oneof(
    fc.array(fc.constant({}), { maxLength: 40 }),
    fc.integer(),
    fc.double(),
    fc.string(),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...blockTypes.map(({ type }) => type)),
      fc.oneof(
        fc.constant<JsonObject>({}),
        branches.map((value) => ({ branches: value })),
      ),
      (type, config) => {
        assert.deepEqual(handlesOf(type, config), [...serviceHandlesOf({ type, config })]);
      },
    ),
  );
});

test('an output that an edge names is shown, whatever the config says', () => {
  const condition = types.find(({ type }) => type === 'condition');
  const block = { type: 'condition', config: { branches: [{}] } };
  assert.deepEqual(outputsOf(block, condition, ['elif_7']), {
    isPlain: false,
    names: ['if', 'else', 'elif_7'],
    hidden: 0,
  });
  const split = types.find(({ type }) => type === 'split');
  const wide = outputsOf({ type: 'split', config: { branches: 1_000 } }, split, ['900']);
  assert.equal(wide.names.length, 13);
  assert.equal(wide.hidden, 987);
});
