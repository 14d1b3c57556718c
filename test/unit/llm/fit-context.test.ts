/** Conversations that are too long: what goes first, and what never goes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCatalogue } from '../../../models/catalogue.ts';
import {
  countMessage,
  countRequest,
  createTokenCounter,
  estimateTokens,
  maxTokens,
} from '../../../llm/context/count-tokens.ts';
import { createContextWindow } from '../../../llm/context/context-window.ts';
import { fitContext, fitHistory } from '../../../llm/context/fit-context.ts';
import type { ModelMessage } from '../../../llm/types.ts';

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
      fc.boolean(),
      ({ messages, turnStart }, budgetTokens, dropHistory) => {
        const result = fitContext(messages, {
          budgetTokens,
          turnStart,
          dropHistory,
          count: estimateTokens,
        });
        const fitted = result.messages;
        const counted = fitted.reduce((sum, message) => sum + countMessage(message, estimateTokens), 0);
        assert.equal(result.fits, counted <= budgetTokens);
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
        // History goes after its first message, oldest first, and only where it may.
        const history = fitted.slice(0, fitted.length - turn.length);
        if (!dropHistory) assert.equal(history.length, turnStart);
        if (history.length > 0) {
          assert.deepEqual(history[0], messages[0]);
          const rest = history.slice(1);
          assert.deepEqual(rest, messages.slice(turnStart - rest.length, turnStart));
        }
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

test('results are shortened in groups: the next step begins with the same bytes', () => {
  const steps = (n: number): ModelMessage[] =>
    Array.from({ length: n }, (_, at): ModelMessage[] => [
      { role: 'assistant', content: '', toolCalls: [{ callId: `c${at}`, name: 'look', arguments: '{}' }] },
      { role: 'tool', callId: `c${at}`, content: 'x'.repeat(6_000), isError: false },
    ]).flat();
  const fit = (n: number) =>
    JSON.stringify(
      fitContext([userSays('canvas'), userSays('go'), ...steps(n)], {
        budgetTokens: 24_000,
        turnStart: 0,
        dropHistory: true,
        count: estimateTokens,
      }).messages,
    ).slice(0, -1);
  // Twelve steps fit; from then on, three of four steps keep what came before.
  const kept = Array.from({ length: 12 }, (_, at) => fit(13 + at).startsWith(fit(12 + at)));
  assert.ok(kept.filter(Boolean).length >= 8, kept.join(' '));
});

test('a history too long for its own summary is cut, its first message kept', () => {
  const history = Array.from({ length: 50 }, (_, at) => userSays(`${at} ${'word '.repeat(2_000)}`));
  const cut = fitHistory(history, { budgetTokens: 2_000, count: estimateTokens });
  assert.ok(cut.reduce((sum, message) => sum + countMessage(message, estimateTokens), 0) <= 2_000);
  assert.match(cut[0]!.content, /^0 /);
  assert.match(cut.at(-1)!.content, /^49 /);
  assert.deepEqual(
    fitHistory(history.slice(0, 2), { budgetTokens: 20_000, count: estimateTokens }),
    history.slice(0, 2),
  );
});

test('OpenAI’s models are counted with their own encoding, whatever the text', async () => {
  const counter = createTokenCounter();
  const count = await counter.forModel(createCatalogue({ openai: true, anthropic: false }).find('gpt-4o')!);
  assert.equal(count('hello world'), 2);
  assert.equal(count(''), 0);
  // Names of special tokens are text: counted as such, and no error.
  assert.ok(count('<|endoftext|>') > 1);
  // Cut into pieces, or this would take minutes.
  assert.ok(count('a'.repeat(2_000_000)) >= 250_000);
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 2_000 }), async (text) => {
      assert.ok(count(text) <= Buffer.byteLength(text), 'a token is a byte at least');
    }),
  );
});

test('estimates learn from what the provider reports, and take the highest of the newest', async () => {
  const claude = createCatalogue({ openai: false, anthropic: true }).find('claude-sonnet-4-6')!;
  const counter = createTokenCounter();
  const text = 'x'.repeat(30_000);
  const request = { system: text, tools: [], messages: [] };
  assert.equal((await counter.forModel(claude))(text), 10_000);
  counter.learn(claude, request, 8_000);
  assert.equal((await counter.forModel(claude))(text), 8_000);
  counter.learn(claude, request, 13_000);
  counter.learn(claude, request, 9_000);
  assert.equal((await counter.forModel(claude))(text), 13_000);
  for (let n = 0; n < 20; n++) counter.learn(claude, request, 9_000);
  assert.equal((await counter.forModel(claude))(text), 9_000);
  // Small requests and absurd reports teach nothing.
  counter.learn(claude, { ...request, system: 'x' }, 9_000);
  counter.learn(claude, request, 10_000_000);
  counter.learn(claude, request, 10);
  assert.equal((await counter.forModel(claude))(text), 9_000);
});

test('what surely fits is not counted; what does not is, by the model’s own window', async () => {
  const window = createContextWindow(createCatalogue({ openai: true, anthropic: false }));
  const how = { turnStart: 2, dropHistory: false, squeeze: false };
  const request = (content: string) => ({
    system: 'You are a test.',
    tools: [],
    messages: [userSays('first'), userSays(content), userSays('canvas'), userSays('go')],
  });
  // 460,000 bytes are no more than 115,000 tokens of English: beyond 70 % of gpt-4o's 128,000, not of gpt-5.2's 400,000.
  const long = request('The workflow sends a message to the customer. '.repeat(10_000));
  assert.ok(maxTokens(long) > 400_000 && countRequest(long, estimateTokens) > 100_000);
  assert.equal((await window.fit('gpt-5.2', long, how)).fits, true);
  assert.equal((await window.fit('gpt-4o', long, how)).fits, false);
  const cut = await window.fit('gpt-4o', long, { ...how, dropHistory: true });
  assert.deepEqual([cut.fits, cut.messages.length, cut.messages[0]!.content], [true, 3, 'first']);
  const squeezed = await window.fit('gpt-5.2', long, { ...how, dropHistory: true, squeeze: true });
  assert.equal(squeezed.messages.length, 3);
});
