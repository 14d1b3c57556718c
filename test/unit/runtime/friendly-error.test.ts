import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainFileError, explainListen, FriendlyError } from '../../../runtime/friendly-error.ts';

const withCode = (code: unknown): Error => Object.assign(new Error('said by Node'), { code });
const explanations = {
  file: (error: unknown) => explainFileError(error, '/data'),
  listen: explainListen({ host: '127.0.0.1', port: 4600 }),
};

test('an error that a person can correct is explained by its code', () => {
  const told: [keyof typeof explanations, string, RegExp][] = [
    ['file', 'ENOSPC', /disk that holds \/data is full/],
    ['file', 'EROFS', /\/data can't be written/],
    ['file', 'ENOTDIR', /\/data is not a folder/],
    ['listen', 'EADDRINUSE', /Port 4600 of 127\.0\.0\.1 is taken/],
    ['listen', 'EADDRNOTAVAIL', /can't listen on 127\.0\.0\.1:4600/],
  ];
  for (const [kind, code, message] of told) {
    const cause = withCode(code);
    assert.throws(
      () => explanations[kind](cause),
      (error) => error instanceof FriendlyError && message.test(error.message) && error.cause === cause,
    );
  }
});

test('anything else that was thrown is thrown again as it was', () => {
  for (const explain of Object.values(explanations))
    for (const thrown of [withCode('EIO'), withCode(13), new Error('no code'), 'a text', null, undefined]) {
      let caught: unknown = 'nothing';
      try {
        explain(thrown);
      } catch (error: unknown) {
        caught = error;
      }
      assert.equal(caught, thrown);
    }
});
