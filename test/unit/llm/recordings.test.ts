/** Recorded provider traffic through the adapters, over HTTP: whole, and cut anywhere. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { ModelError, type ModelEvent } from '../../../llm/types.ts';
import { callsOf, clientOf, collect, modelRequest, textOf } from '../../support/llm-requests.ts';
import {
  apiOf,
  atEach,
  boundaries,
  bytesOf,
  files,
  FOLDER,
  LAST,
  outcome,
  type Recording,
  streams,
  upTo,
  watch,
  type Watched,
} from '../../support/recordings.ts';
import { type Reply, type ReplayServer, startReplayServer } from '../../support/replay-server.ts';

/** Recordings that end in an error, with the error that they are. */
const FAILURES: Record<string, { code: string; retryable: boolean }> = {
  'responses-midstream-error-quota.gpt-5-nano.sse': { code: 'model_quota', retryable: false },
  'responses-truncated-tool-call.gpt-5-mini.sse': { code: 'model_bad_response', retryable: true },
  'anthropic-midstream-overloaded-after-text.sse': { code: 'model_unavailable', retryable: true },
  'chat-empty-length.gpt-5-mini.sse': { code: 'model_bad_response', retryable: false },
};
let server: ReplayServer;
before(async () => {
  server = await startReplayServer();
});
after(() => server.close());

const play = (recording: Recording): Promise<ModelEvent[]> =>
  collect(clientOf(apiOf(recording), server.url), modelRequest());
test('the folder holds recordings of all APIs', () => {
  assert.ok(streams.filter((file) => apiOf(file) === 'messages').length >= 5);
  assert.ok(streams.filter((file) => apiOf(file) === 'responses').length >= 6);
  assert.ok(streams.filter((file) => apiOf(file) === 'chat').length >= 6);
});

for (const recording of streams) {
  const { file, expect } = recording;
  const failure = FAILURES[file];

  test(`${file}: gives what the recording holds`, async () => {
    const body = bytesOf(recording);
    server.reply({ body });
    const result = await outcome(server, recording);
    if (failure) {
      assert.ok(result instanceof ModelError);
      assert.deepEqual({ code: result.code, retryable: result.retryable }, failure);
      if (expect.usage)
        assert.ok(result.usage && result.usage.outputTokens > 0, 'the tokens spent are known');
      return;
    }
    assert.ok(Array.isArray(result));
    assert.equal(textOf(result), expect.refusal ?? expect.text);
    assert.deepEqual(
      callsOf(result).map((call) => ({ ...call, arguments: JSON.parse(call.arguments) as unknown })),
      expect.tool_calls.map((call) => ({
        callId: call.id,
        name: call.name,
        arguments: JSON.parse(call.arguments) as unknown,
      })),
    );
    const thought = result.map((event) => (event.type === 'reasoning_delta' ? event.delta : '')).join('');
    assert.equal(thought.length, expect.thinking_chars);
    const finish = result.at(-1);
    assert.ok(finish?.type === 'finish');
    assert.equal(result.filter((event) => event.type === 'finish').length, 1);
    assert.equal(
      finish.reason,
      expect.refusal
        ? 'refusal'
        : expect.stop === 'max_tokens'
          ? 'length'
          : expect.tool_calls.length > 0
            ? 'tool_calls'
            : 'stop',
    );
    assert.equal(
      finish.opaque !== null,
      apiOf(recording) === 'messages' ? expect.thinking_chars > 0 : (expect.encrypted_reasoning ?? false),
    );
    const usage = result.find((event) => event.type === 'usage');
    assert.equal(usage?.usage.inputTokens, expect.usage?.input_tokens ?? expect.usage?.prompt_tokens);
    assert.equal(usage?.usage.outputTokens, expect.usage?.output_tokens ?? expect.usage?.completion_tokens);
  });

  test(`${file}: cut anywhere, it gives the same as far as it came, and a typed error`, async () => {
    const body = bytesOf(recording);
    server.reply({ body });
    const { events: wholeEvents, result: whole } = await watch(server, recording);
    const check = (at: number, { events, result }: Watched): void => {
      const where = `cut at ${at} of ${body.length}`;
      if (result instanceof ModelError) {
        assert.deepEqual(events, wholeEvents.slice(0, events.length), where);
        assert.deepEqual(callsOf(events), [], `no call may be acted on: ${where}`);
        if (failure && result.code === failure.code) return;
        // Cut inside an event, its JSON does not parse, whatever the reason.
        assert.ok(['model_unavailable', 'model_bad_response'].includes(result.code), where);
        assert.equal(result.retryable, true, where);
      } else {
        // On Chat Completions finish_reason proves the answer; its bill is in a chunk of its own that may be lost.
        const sameBill = result.some((event) => event.type === 'usage');
        assert.ok(sameBill || apiOf(recording) === 'chat', where);
        const bare = (events: ModelEvent[]): ModelEvent[] =>
          events.filter((event) => sameBill || event.type !== 'usage');
        assert.ok(Array.isArray(whole), where);
        assert.deepEqual(bare(result), bare(whole), where);
      }
    };
    const cuts = [...boundaries(body), ...upTo(LAST).map((left) => body.length - left)];
    await atEach(server, recording, cuts, (cutAt) => ({ body, cutAt }), check);
    const some = cuts.filter((_, index) => index % 10 === 0);
    await atEach(server, recording, some, (cutAt) => ({ body, cutAt, ending: 'reset' }), check);
  });
}

for (const recording of files.filter(({ kind }) => kind === 'error-body')) {
  test(`${recording.file}: cut anywhere, it is a typed error with its status`, async () => {
    const { status, headers } = recording;
    const body = bytesOf(recording);
    server.reply({ status, headers, body });
    const whole = await outcome(server, recording);
    assert.ok(whole instanceof ModelError);
    assert.equal(whole.status, status);
    const check = (at: number, { events, result }: Watched): void => {
      assert.ok(result instanceof ModelError, `cut at ${at}`);
      assert.deepEqual([events, result.status], [[], status]);
      // What only the body says is lost with it; what the status and the headers say is not.
      assert.equal(result.retryAfterMs, whole.retryAfterMs);
    };
    const reply = (cutAt: number): Reply => ({ status, headers, body, cutAt });
    await atEach(server, recording, boundaries(body), reply, check);
    const split = (at: number): Reply => ({ status, headers, body, splitAt: [at] });
    await atEach(server, recording, boundaries(body).slice(0, LAST), split, (at, { result }) => {
      assert.ok(result instanceof ModelError, `split at ${at}`);
      assert.equal(result.code, whole.code);
    });
  });
}

test('the reasoning item that is kept is the final one, whole', async () => {
  const recording = streams.find((file) => file.file.includes('encrypted-tool.gpt-5-nano.turn1'))!;
  server.reply({ body: bytesOf(recording) });
  const finish = (await play(recording)).at(-1);
  assert.ok(finish?.type === 'finish' && finish.opaque);
  const [{ item }] = finish.opaque.items as [{ item: { encrypted_content: string } }];
  const request = JSON.parse(
    readFileSync(new URL('responses-reasoning-encrypted-tool.gpt-5-nano.turn2.request.json', FOLDER), 'utf8'),
  ) as { input: { type?: string; encrypted_content?: string }[] };
  const replayed = request.input.find((entry) => entry.type === 'reasoning');
  assert.equal(item.encrypted_content, replayed?.encrypted_content);
});
