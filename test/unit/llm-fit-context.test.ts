/** Conversations that are too long: what goes first, and what never goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimateTokens, fitContext } from '../../llm/fit-context.ts';
import type { ModelMessage } from '../../llm/types.ts';

const text = fc
  .string({ maxLength: 40 })
  .chain((unit) => fc.integer({ min: 0, max: 300 }).map((times) => unit.repeat(times)));
const step = (n: number) =>
  fc.tuple(text, text).map(([said, seen]): ModelMessage[] => [
    {
      role: 'assistant',
      content: said.slice(0, 500),
      toolCalls: [{ callId: `c${n}`, name: 'look', arguments: '{}' }],
      opaque: null,
    },
    { role: 'tool', callId: `c${n}`, content: `<data-f from="x">\n${seen}\n</data-f>`, isError: false },
  ]);
const userSays = (content: string): ModelMessage => ({ role: 'user', content });
const conversation = fc
  .tuple(fc.array(text, { maxLength: 6 }), text, fc.integer({ min: 0, max: 5 }))
  .chain(([history, message, steps]) =>
    fc.tuple(...Array.from({ length: steps }, (_, n) => step(n))).map((done) => ({
      turnStart: history.length,
      messages: [
        ...history.map(
          (content, n): ModelMessage =>
            n % 2 === 0 ? { role: 'user', content } : { role: 'assistant', content, toolCalls: [] },
        ),
        userSays('canvas'),
        userSays(message),
        ...done.flat(),
      ],
    })),
  );

test('what fits is untouched; what does not is shortened oldest first; the turn’s own messages stay', () => {
  fc.assert(
    fc.property(
      conversation,
      fc.integer({ min: 50, max: 5_000 }),
      ({ messages, turnStart }, budgetTokens) => {
        const fitted = fitContext(messages, { budgetTokens, turnStart });
        const total = (list: ModelMessage[]) =>
          list.reduce((sum, message) => sum + estimateTokens(message.content), 0);
        if (total(messages) + messages.length * 40 <= budgetTokens) assert.deepEqual(fitted, messages);
        assert.ok(total(fitted) <= total(messages));
        const turn = messages.slice(turnStart);
        const kept = fitted.slice(fitted.length - turn.length);
        const lastAnswer = turn.findLastIndex(({ role }) => role === 'assistant');
        for (const [at, message] of turn.entries()) {
          assert.equal(kept[at]!.role, message.role);
          if (message.role !== 'tool' || at > lastAnswer) assert.deepEqual(kept[at], message);
          else {
            assert.equal((kept[at] as { callId: string }).callId, message.callId);
            assert.match(kept[at]!.content, /^<data-f from="x">[^]*<\/data-f>$/);
          }
        }
        // History goes from its beginning, and only after results were shortened.
        const history = fitted.slice(0, fitted.length - turn.length);
        assert.deepEqual(history, messages.slice(turnStart - history.length, turnStart));
      },
    ),
    { numRuns: 400 },
  );
});

test('an estimate is rather too high than too low', () => {
  assert.ok(estimateTokens('The quick brown fox jumps over the lazy dog.') >= 10);
  assert.ok(estimateTokens('日本語のテキスト') >= 8);
  assert.equal(estimateTokens(''), 0);
});
