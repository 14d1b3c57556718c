import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { isLongerThan } from '../../../domain/text/is-longer-than.ts';

test('a text is as long as it has characters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), fc.nat({ max: 45 }), (text, characters) => {
      assert.equal(isLongerThan(text, characters), Array.from(text).length > characters);
    }),
  );
});
