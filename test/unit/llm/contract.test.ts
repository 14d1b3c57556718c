/** What every adapter promises, the scripted model included: one suite, run over all of them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { MODELS } from '../../../models/models.ts';
import { renderWorkflowState } from '../../../domain/graph/shorten-state.ts';
import { createDemoClient } from '../../../llm/adapters/demo.ts';
import { buildConversation } from '../../../llm/prompt/prompt.ts';
import { type ModelClient, ModelError, type ModelEvent, type ModelMessage } from '../../../llm/types.ts';
import { editTools } from '../../support/edit-tool.ts';
import { type FakeProvider, type Script, startFakeProvider } from '../../support/fake-provider.ts';
import { block, graph } from '../../support/graph-builders.ts';
import {
  type ApiName,
  callsOf,
  clientOf,
  collect,
  modelRequest,
  textOf,
} from '../../support/llm-requests.ts';

const { definitions } = editTools;
let fake: FakeProvider;
let script: Script = {};
before(async () => {
  fake = await startFakeProvider(() => script);
});
after(async () => {
  await fake.close();
  assert.deepEqual(fake.refusals, []);
});

const LOOK = { id: 'call_1', name: 'get_block_info', arguments: { block_types: ['agent'] } };
const EDIT = { id: 'call_2', name: 'modify_workflow', arguments: { rename: 'Ä \u{1F600}' } };

/** Checks the grammar of a call's events: what may follow what, and what belongs together. */
function assertSound(events: readonly ModelEvent[]): void {
  const kinds = events.map(({ type }) => type);
  assert.equal(kinds.filter((kind) => kind === 'finish').length, 1);
  assert.equal(kinds.at(-1), 'finish');
  assert.ok(kinds.filter((kind) => kind === 'usage').length <= 1);
  const started = new Set<string>();
  const written = new Map<string, string>();
  for (const event of events) {
    if (event.type === 'tool_call_started') {
      assert.ok(!started.has(event.callId), 'a call starts once');
      started.add(event.callId);
    }
    if (event.type === 'tool_arguments_delta') {
      assert.ok(started.has(event.callId), 'arguments are of a call that has started');
      written.set(event.callId, (written.get(event.callId) ?? '') + event.delta);
    }
    if (event.type === 'text_delta') assert.notEqual(event.delta, '');
  }
  const calls = callsOf(events);
  assert.equal(new Set(calls.map(({ callId }) => callId)).size, calls.length);
  for (const call of calls) {
    assert.ok(started.has(call.callId));
    const pieces = written.get(call.callId);
    if (pieces !== undefined) assert.equal(call.arguments, pieces);
  }
  const finish = events.at(-1);
  assert.ok(finish?.type === 'finish');
  assert.equal(finish.reason === 'tool_calls', calls.length > 0);
  // It is stored as JSON between two steps.
  assert.deepEqual(JSON.parse(JSON.stringify(finish.opaque)), finish.opaque);
}

const canvas = graph([block('Start', { type: 'starter', config: { inputs: [] } })], []);
const says = (message: string, transcript: ModelMessage[] = []): ModelMessage[] =>
  buildConversation({
    history: [],
    context: null,
    graphText: renderWorkflowState({ graph: canvas, message }),
    message,
    transcript,
    fence: '0123456789abcdef',
  });

interface Subject {
  name: string;
  model: string;
  client: () => ModelClient;
}
const API_OF: Record<string, ApiName[]> = { openai: ['responses', 'chat'], anthropic: ['messages'] };
const subjects: Subject[] = [
  ...MODELS.flatMap(({ id, provider }) =>
    (API_OF[provider] ?? []).map((api) => ({
      name: `${id} over ${api}`,
      model: id,
      client: () => clientOf(api, fake.url),
    })),
  ),
  { name: 'demo', model: 'demo', client: () => createDemoClient({ charsPerSecond: 0 }) },
];

for (const { name, model, client } of subjects) {
  const isDemo = model === 'demo';
  const request = (overrides: Parameters<typeof modelRequest>[0]) =>
    modelRequest({ model, tools: definitions, cacheKey: 'session', ...overrides });

  test(`${name}: an answer in words`, async () => {
    script = { text: ['Grü', 'ße, ', '\u{1F600}.'] };
    const events = await collect(client(), request({ messages: says('Hello') }));
    assertSound(events);
    assert.deepEqual(callsOf(events), []);
    if (isDemo) assert.notEqual(textOf(events), '');
    else assert.equal(textOf(events), 'Grüße, \u{1F600}.');
    const usage = events.find((event) => event.type === 'usage');
    assert.ok(usage && usage.usage.inputTokens > 0 && usage.usage.outputTokens > 0);
    assert.ok(usage.usage.cachedTokens <= usage.usage.inputTokens);
  });

  test(`${name}: calls, their results, and the answer after them`, async () => {
    script = { text: ['Let me look.'], toolCalls: [LOOK, EDIT] };
    const message = 'Add an agent that answers';
    const first = await collect(client(), request({ messages: says(message) }));
    assertSound(first);
    const calls = callsOf(first);
    assert.ok(calls.length > 0);
    if (!isDemo)
      assert.deepEqual(
        calls.map((call) => [call.callId, call.name, JSON.parse(call.arguments) as unknown]),
        [LOOK, EDIT].map((call) => [call.id, call.name, call.arguments]),
      );
    const finish = first.at(-1);
    assert.ok(finish?.type === 'finish');
    const transcript: ModelMessage[] = [
      { role: 'assistant', content: textOf(first), toolCalls: calls, opaque: finish.opaque },
      ...calls.map(
        ({ callId }): ModelMessage => ({ role: 'tool', callId, content: 'It failed.', isError: true }),
      ),
    ];
    script = { text: ['Done.'] };
    const second = await collect(client(), request({ messages: says(message, transcript) }));
    assertSound(second);
    assert.deepEqual(callsOf(second), []);
    assert.notEqual(textOf(second), '');
  });

  test(`${name}: the last step, where no tool may be called`, async () => {
    script = { text: ['That is all.'] };
    const events = await collect(
      client(),
      request({ messages: says('Add an agent that answers'), toolChoice: 'none' }),
    );
    assertSound(events);
    assert.deepEqual(callsOf(events), []);
  });

  test(`${name}: a request without tools, and with a history of another model`, async () => {
    script = { text: ['Fine.'] };
    const transcript: ModelMessage[] = [
      {
        role: 'assistant',
        content: '',
        toolCalls: [{ callId: 'toolu_9', name: 'no such tool!', arguments: 'not json' }],
        opaque: { provider: 'another', model: 'other', items: [{ kind: 'thinking' }] },
      },
      { role: 'tool', callId: 'toolu_9', content: '', isError: true },
    ];
    // A made-up name is refused by OpenAI; ours is what was stored, so it must be made harmless on the way out.
    const events = await collect(client(), request({ messages: says('Hello', transcript), tools: [] }));
    assertSound(events);
  });

  test(`${name}: an abort throws the signal's own reason, before and in the middle`, async () => {
    script = { text: Array.from({ length: 200 }, (_, n) => `w${n} `), pieceMs: 5 };
    const reason = new Error('nobody wants it');
    const gone = new AbortController();
    gone.abort(reason);
    await assert.rejects(
      async () => collect(client(), request({ messages: says('Hello'), signal: gone.signal })),
      (error) => error === reason,
    );
    const going = new AbortController();
    const seen: ModelEvent[] = [];
    const slow = isDemo ? createDemoClient({ charsPerSecond: 50 }) : client();
    await assert.rejects(
      async () => {
        for await (const event of slow.stream(request({ messages: says('Hello'), signal: going.signal }))) {
          seen.push(event);
          going.abort(reason);
        }
      },
      (error) => error === reason,
    );
    assert.ok(seen.length > 0 && seen.every(({ type }) => type === 'text_delta'));
  });

  if (isDemo) continue;

  test(`${name}: empty arguments, arguments that are no JSON, names that do not exist`, async () => {
    const odd = [
      { id: 'a', name: 'get_block_info', arguments: '' },
      { id: 'b', name: 'get_block_info', arguments: '{"block_types": ["ag' },
      { id: 'c', name: 'no_such_tool', arguments: '[]' },
    ];
    script = { toolCalls: odd };
    const events = await collect(client(), request({ messages: says('Hello') }));
    assertSound(events);
    assert.deepEqual(
      callsOf(events).map(({ callId, name, arguments: args }) => ({ id: callId, name, arguments: args })),
      odd,
    );
    // What came back is sent again with its results, and must not be refused.
    const transcript: ModelMessage[] = [
      { role: 'assistant', content: '', toolCalls: callsOf(events), opaque: null },
      ...odd.map(({ id }): ModelMessage => ({ role: 'tool', callId: id, content: 'No.', isError: true })),
    ];
    script = { text: ['Sorry.'] };
    assertSound(await collect(client(), request({ messages: says('Hello', transcript) })));
  });

  test(`${name}: an answer cut at its limit keeps its text and runs no call; a filtered one is a refusal`, async () => {
    script = { text: ['Half an ans'], finish: 'length' };
    const cut = await collect(client(), request({ messages: says('Hello') }));
    assertSound(cut);
    assert.deepEqual(
      [textOf(cut), cut.at(-1)],
      ['Half an ans', { type: 'finish', reason: 'length', opaque: null }],
    );
    script = { text: ['I'], finish: 'refusal' };
    const refused = (await collect(client(), request({ messages: says('Hello') }))).at(-1);
    assert.ok(refused?.type === 'finish' && refused.reason === 'refusal');
    script = { toolCalls: [LOOK], finish: 'length' };
    const failed = await collect(client(), request({ messages: says('Hello') })).catch(
      (error: unknown) => error,
    );
    assert.ok(failed instanceof ModelError && failed.code === 'model_bad_response' && failed.retryable);
    assert.ok(failed.usage && failed.usage.outputTokens > 0, 'what was spent is known');
  });

  test(`${name}: a connection that is lost is a typed error that may be tried again`, async () => {
    script = { text: ['a', 'b', 'c'], cutAfter: 2 };
    const lost = await collect(client(), request({ messages: says('Hello') })).catch(
      (error: unknown) => error,
    );
    assert.ok(lost instanceof ModelError);
    assert.deepEqual([lost.code, lost.retryable], ['model_unavailable', true]);
  });
}
