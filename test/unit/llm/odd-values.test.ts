/** Values of an unexpected kind where a protocol has texts and counts: what is billed, said and called stays sound. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createCatalogue } from '../../../models/catalogue.ts';
import type { ModelEvent } from '../../../llm/types.ts';
import {
  type ApiName,
  callsOf,
  clientOf,
  collect,
  modelRequest,
  textOf,
} from '../../support/llm-requests.ts';
import { type ReplayServer, startReplayServer } from '../../support/replay-server.ts';

let server: ReplayServer;
before(async () => {
  server = await startReplayServer();
});
after(() => server.close());

const play = (api: ApiName, events: object[]): Promise<ModelEvent[]> => {
  const lines = events.map((event) => {
    const type = (event as { type?: string }).type;
    return `${type === undefined ? '' : `event: ${type}\n`}data: ${JSON.stringify(event)}\n\n`;
  });
  server.reply({ body: lines.join('') });
  return collect(clientOf(api, server.url), modelRequest());
};
const reportOf: Record<ApiName, (input: unknown, output: unknown) => object[]> = {
  chat: (input, output) => [
    { choices: [{ delta: { content: 'Hi' }, finish_reason: 'stop' }] },
    {
      choices: [],
      usage: {
        prompt_tokens: input,
        completion_tokens: output,
        prompt_tokens_details: { cached_tokens: output },
        completion_tokens_details: { reasoning_tokens: output },
      },
    },
  ],
  responses: (input, output) => [
    { type: 'response.output_text.delta', delta: 'Hi' },
    {
      type: 'response.completed',
      response: {
        status: 'completed',
        usage: {
          input_tokens: input,
          output_tokens: output,
          input_tokens_details: { cached_tokens: output },
          output_tokens_details: { reasoning_tokens: output },
        },
      },
    },
  ],
  messages: (input, output) => [
    {
      type: 'message_start',
      message: { usage: { input_tokens: input, output_tokens: output, cache_read_input_tokens: output } },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: 'Hi' } },
    { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: output } },
    { type: 'message_stop' },
  ],
};

test('counts that are no whole numbers can be billed and stored', async () => {
  const catalogue = createCatalogue({ openai: true, anthropic: true });
  const odd = [-5, 1.5, 1e300, null, '12', 'many', {}, true];
  for (const [api, report] of Object.entries(reportOf) as [ApiName, (typeof reportOf)[ApiName]][]) {
    for (const input of odd) {
      for (const output of odd) {
        const usage = (await play(api, report(input, output))).find((event) => event.type === 'usage')?.usage;
        assert.ok(usage, `${api}: ${JSON.stringify([input, output])}`);
        for (const count of Object.values(usage))
          assert.ok(Number.isSafeInteger(count) && count >= 0, `${api}: ${JSON.stringify(usage)}`);
        assert.ok(usage.cachedTokens <= usage.inputTokens, `${api}: ${JSON.stringify(usage)}`);
        assert.ok(usage.reasoningTokens <= usage.outputTokens, `${api}: ${JSON.stringify(usage)}`);
        const cost = catalogue.costUsd('gpt-5.2', {
          input_tokens: usage.inputTokens,
          cached_tokens: usage.cachedTokens,
          output_tokens: usage.outputTokens,
          cache_write_tokens: usage.cacheWriteTokens ?? 0,
        });
        assert.match(cost!, /^\d/);
      }
    }
  }
});

test('a text in parts is its texts, without the thoughts between them', async () => {
  const said = (content: unknown): object => ({ choices: [{ delta: { content } }] });
  const events = await play('chat', [
    said([{ type: 'thinking', thinking: [{ type: 'text', text: 'Hm' }] }]),
    said([{ type: 'text', text: 'Good ' }]),
    said('day'),
    said({ text: 'no' }),
    { choices: [{ delta: { content: 7 }, finish_reason: 'stop' }] },
  ]);
  assert.equal(textOf(events), 'Good day');
});

test('deltas, names, ids and arguments of another kind are texts all the same', async () => {
  const item = { type: 'function_call', status: 'completed', call_id: 5, name: 'look', arguments: { a: 1 } };
  const responses = await play('responses', [
    { type: 'response.output_text.delta', delta: { text: 'no' } },
    { type: 'response.output_item.added', output_index: 0, item: { ...item, arguments: '' } },
    { type: 'response.output_item.done', output_index: 0, item },
    { type: 'response.completed', response: { status: 'completed' } },
  ]);
  assert.equal(textOf(responses), '');
  assert.deepEqual(callsOf(responses), [{ callId: 'call_0', name: 'look', arguments: '{"a":1}' }]);
  const chat = await play('chat', [
    {
      choices: [
        {
          delta: { tool_calls: [{ index: 0, id: 5, function: { name: ['look'], arguments: null } }] },
          finish_reason: 'tool_calls',
        },
      ],
    },
  ]);
  assert.deepEqual(callsOf(chat), [{ callId: 'call_0', name: '', arguments: '' }]);
});
