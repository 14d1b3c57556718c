/** The tests' provider: what clients read that take the answer from its last event, as the Agents SDK does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { startFakeProvider } from '../../support/fake-provider.ts';

test('the end of a response holds its text and its calls; a message may come in parts', async (t) => {
  const messages: string[] = [];
  const provider = await startFakeProvider(({ message }) => {
    messages.push(message);
    return { text: ['a', 'b'], toolCalls: [{ name: 'get', arguments: {} }] };
  });
  t.after(() => provider.close());
  const openai = new OpenAI({ apiKey: 'none', baseURL: provider.url, maxRetries: 0 });
  const stream = openai.responses.stream({
    model: 'gpt-5.2',
    input: [{ role: 'user', content: [{ type: 'input_text', text: 'Hi' }] }],
  });
  for await (const event of stream) {
    if (event.type !== 'response.completed') continue;
    assert.deepEqual(
      event.response.output.map(({ type }) => type),
      ['message', 'function_call'],
    );
  }
  assert.deepEqual(messages, ['Hi']);
});
