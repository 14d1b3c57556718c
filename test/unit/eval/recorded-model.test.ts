/** What the recorded model answers, and how its requests become snapshots. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stepFor } from '../../../eval/recorded-model/recording.ts';
import { readRequest } from '../../../eval/recorded-model/request.ts';
import { addedItems, countTokens, renderSeen } from '../../../eval/recorded-model/seen.ts';
import { createSteadyText } from '../../../eval/recorded-model/steady-text.ts';
import { fixedId } from '../../../eval/project/ids.ts';

const NOW = new Date('2026-11-25T12:00:00Z');
const random = (digit: string): string =>
  `${digit.repeat(8)}-${digit.repeat(4)}-4000-8000-${digit.repeat(12)}`;

test('the step of a request is found by the results that the turn has so far', () => {
  const call = { name: 'get_block_info', arguments: {} };
  const steps = [{ calls: [call, call] }, { calls: [call] }, { text: 'Done.' }];
  assert.equal(stepFor(steps, 0)?.at, 0);
  assert.equal(stepFor(steps, 2)?.at, 1);
  assert.equal(stepFor(steps, 3)?.at, 2);
  assert.equal(stepFor(steps, 1), null);
  assert.equal(stepFor(steps, 4), null);
  assert.equal(stepFor([], 0), null);
});

test('what differs from run to run is the same in a snapshot', () => {
  const texts = (id: string, token: string, day: string): string[] => {
    const steady = createSteadyText(NOW);
    const text = `<data-${token} from="x">{"id":"${id}","version":"${token.slice(0, 12)}","at":"${day}T08:00:00.000Z","of":"${fixedId('x')}"}`;
    return [steady.toRead(text), steady.toCount(text)];
  };
  const [read, counted] = texts(random('a'), '0123456789abcdef', '2026-11-25');
  assert.deepEqual(texts(random('b'), 'fedcba9876543210', '2026-11-24'), [read, counted]);
  assert.equal(
    read,
    `<data-<token> from="x">{"id":"<id 1>","version":"<version>","at":"<now>","of":"${fixedId('x')}"}`,
  );
  assert.equal(
    counted!.length,
    `<data-0123456789abcdef from="x">{"id":"${random('a')}","version":"0123456789ab","at":"2026-11-25T08:00:00.000Z","of":"${fixedId('x')}"}`
      .length,
  );
  // The dates of the project lie further back and stay.
  assert.match(createSteadyText(NOW).toRead('2026-04-13T05:00:00Z'), /^2026-04-13T05:00:00Z$/);
  const steady = createSteadyText(NOW);
  assert.equal(steady.toRead(`${random('a')} ${random('b')} ${random('a')}`), '<id 1> <id 2> <id 1>');
});

test('a snapshot shows what each call adds, and how many tokens it has', () => {
  const steady = createSteadyText(NOW);
  const user = { role: 'user', content: 'Hello' };
  const call = { type: 'function_call', call_id: 'a', name: 'get_block_info', arguments: '{}' };
  const result = { type: 'function_call_output', call_id: 'a', output: 'x'.repeat(2_000) };
  const tools = [
    { type: 'function', name: 'get_block_info', description: 'Explains.', parameters: {}, strict: true },
  ];
  const first = readRequest({ instructions: 'Be brief.', input: [user], tools });
  const second = readRequest({ instructions: 'Be brief.', input: [user, call, result], tools });
  const count = (text: string): number => text.length;
  const tokens = countTokens(first, count, steady);
  assert.deepEqual(tokens, {
    system: 9,
    tools: JSON.stringify([{ name: 'get_block_info', description: 'Explains.', parameters: {} }]).length,
    conversation: 'user'.length + 'Hello'.length,
  });
  const text = renderSeen(
    'a case',
    [
      { turn: 0, tokens, added: addedItems(first, null) },
      { turn: 0, tokens, added: addedItems(second, first) },
    ],
    steady,
  );
  assert.match(
    text,
    /^a case\n\n== turn 1\n\n-- call 1: \d+ tokens, 9 of the conversation\nuser:\n {2}Hello\n/,
  );
  assert.match(
    text,
    /-- call 2: [^\n]+\nresult of get_block_info:\n {2}x{900}\n {2}\.\.\. 1100 more characters, sha256 [0-9a-f]{12}\n$/,
  );
});
