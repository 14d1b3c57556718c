/** Sessions that change their model, and requests that share their beginning. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { listenLocally } from '../../support/listen.ts';
import { refusalOf } from '../../support/provider-rules.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

let system: TurnSystem;
let claude: Awaited<ReturnType<typeof listenLocally>>;
const requests: {
  messages: { role: string; content: { type: string }[] }[];
  system: { text: string }[];
  tools: object[];
}[] = [];
/** Why a real one would have refused them. */
const refusals: string[] = [];
/** What the Anthropic server answers next; the last one is repeated. */
let answers: object[][] = [];

const begin = {
  type: 'message_start',
  message: {
    usage: {
      input_tokens: 100,
      cache_creation_input_tokens: 20,
      cache_read_input_tokens: 30,
      output_tokens: 1,
    },
  },
};
const say = (text: string) => [
  begin,
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 10 } },
  { type: 'message_stop' },
];
const use = (name: string, input: object) => [
  begin,
  {
    type: 'content_block_start',
    index: 0,
    content_block: { type: 'tool_use', id: `toolu_${requests.length}`, name, input: {} },
  },
  {
    type: 'content_block_delta',
    index: 0,
    delta: { type: 'input_json_delta', partial_json: JSON.stringify(input) },
  },
  { type: 'message_delta', delta: { stop_reason: 'tool_use' }, usage: { output_tokens: 10 } },
  { type: 'message_stop' },
];

before(async () => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as never;
      const refusal = refusalOf('/v1/messages', body);
      if (refusal) refusals.push(refusal.message);
      requests.push(body);
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const events = answers.length > 1 ? answers.shift()! : answers[0]!;
      response.end(
        events
          .map((event) => `event: ${(event as { type: string }).type}\ndata: ${JSON.stringify(event)}\n\n`)
          .join(''),
      );
    });
  });
  claude = await listenLocally(server);
  system = await startTurnSystem({
    ANTHROPIC_BASE_URL: `http://127.0.0.1:${claude.port}`,
  });
});
after(async () => {
  await system.close();
  await claude.close();
  assert.deepEqual(refusals, []);
});

const choose = async (model: string) =>
  assert.equal((await system.call('PUT', '/api/copilot/settings/model', { model })).status, 200);

test('a session goes on when its model changes, both ways', async () => {
  const { chat, newSession, scripts, fake } = system;
  const session = await newSession();
  scripts.set('First', () => ({ text: ['From GPT.'] }));
  await chat(session, { message: 'First' });
  await choose('claude-sonnet-4-6');
  answers = [use('get_block_info', { block_types: ['code'] }), say('From Claude.')];
  const second = await chat(session, { message: 'Second' });
  assert.deepEqual([second.end.content, second.events[0]!.model], ['From Claude.', 'claude-sonnet-4-6']);
  // (100 x 3 + 20 x 3.75 + 30 x 0.3 + 10 x 15) / 1,000,000, twice.
  assert.deepEqual(second.end.usage, {
    calls: 2,
    input_tokens: 300,
    cached_tokens: 60,
    output_tokens: 20,
    reasoning_tokens: 0,
    cost_usd: '0.001068',
  });
  assert.match(JSON.stringify(requests[0]!.messages), /From GPT\./);
  await choose('gpt-5.2');
  scripts.set('Third', () => ({ text: ['Back.'] }));
  await chat(session, { message: 'Third' });
  assert.match(JSON.stringify(fake.requests.at(-1)!.body), /From Claude\./);
});

test('each step’s request begins with the one before, on both providers', async () => {
  const { chat, newSession, scripts, fake } = system;
  const looks = (n: number) => ({ block_types: [['code', 'agent', 'split'][n % 3]!] });
  await choose('claude-opus-4-6');
  answers = [0, 1, 2].map((n) => use('get_block_info', looks(n)));
  answers.push(say('Done.'));
  requests.length = 0;
  await chat(await newSession(), { message: 'Look around' });
  const bare = (request: (typeof requests)[number]) =>
    JSON.stringify({
      tools: request.tools,
      system: request.system,
      messages: request.messages.flatMap(({ role, content }) =>
        content.map((part) => ({ role, ...part, cache_control: undefined })),
      ),
    }).slice(0, -2);
  assert.equal(requests.length, 4);
  for (let n = 1; n < requests.length; n++)
    assert.ok(bare(requests[n]!).startsWith(bare(requests[n - 1]!)), `step ${n + 1}`);
  await choose('gpt-5.2');
  scripts.set('Prefix', (step) =>
    step < 3 ? { toolCalls: [{ name: 'get_block_info', arguments: looks(step) }] } : { text: ['Done.'] },
  );
  await chat(await newSession(), { message: 'Prefix' });
  const bodies = fake.requests.filter(({ message }) => message === 'Prefix').map(({ body }) => body);
  const begins = ({ tools, instructions, input }: Record<string, unknown>) =>
    JSON.stringify({ tools, instructions, input }).slice(0, -2);
  assert.equal(bodies.length, 4);
  for (let n = 1; n < bodies.length; n++)
    assert.ok(begins(bodies[n]!).startsWith(begins(bodies[n - 1]!)), `step ${n + 1}`);
});
