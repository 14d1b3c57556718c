/** Traces of real processes at a real receiver: one trace a turn, through a worker that is killed in the middle. */
import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { DEFAULT_MODEL } from '../../models/models.ts';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, chat, newSession } from '../support/cluster-client.ts';
import { type OtlpReceiver, type SentSpan, startOtlpReceiver } from '../support/otlp-receiver.ts';

const SECRET_WORDS = 'mauve elephants';
let cluster: Cluster;
let receiver: OtlpReceiver;
let env: NodeJS.ProcessEnv;
let api: ApiRole;
let worker: Role;
/** The answer of the second step does not end before the first worker is dead. */
const killed = Promise.withResolvers<void>();

before(async () => {
  receiver = await startOtlpReceiver();
  env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    COPILOT_TRACE_CALLERS: 'continue',
    LOG_LEVEL: 'info',
  };
  cluster = await startCluster({
    script: ({ toolResults }) =>
      toolResults === 0
        ? {
            text: [SECRET_WORDS],
            usage: { input: 321, output: 12 },
            toolCalls: [{ name: 'get_block_info', arguments: { block_types: ['agent'] } }],
          }
        : { text: ['a ', 'b '], holdEnd: killed.promise },
  });
  [api, worker] = await Promise.all([cluster.startApi(env), cluster.startWorker(env)]);
});
after(async () => {
  await cluster.stop();
  await receiver.close();
});

async function untilSent(traceId: string, isThere: (spans: SentSpan[]) => boolean): Promise<SentSpan[]> {
  for (const until = Date.now() + 30_000; ; await delay(50)) {
    const spans = receiver.spans.filter((span) => span.traceId === traceId);
    if (isThere(spans)) return spans;
    assert.ok(Date.now() < until, `missing in ${spans.map(({ name }) => name).join(', ')}`);
  }
}

test('a turn whose worker is killed is one trace, from the request to the calls, and says what happened', async () => {
  const session = await newSession(cluster, api);
  const caller = { traceId: randomBytes(16).toString('hex'), spanId: randomBytes(8).toString('hex') };
  const reader = chat(
    cluster,
    () => [api],
    session,
    { message: `Tell me of ${SECRET_WORDS}` },
    { 'Idempotency-Key': randomUUID(), traceparent: `00-${caller.traceId}-${caller.spanId}-01` },
  );
  await reader.until((event) => event.event === 'content_delta' && event.step === 2);
  // A killed worker takes the spans with it that it has not sent yet.
  await untilSent(caller.traceId, (spans) => spans.some(({ name }) => name === 'RunActivity:runTool'));
  await worker.kill('SIGKILL');
  killed.resolve();
  const heir = await cluster.startWorker(env);
  assert.equal((await reader.end(60_000)).event, 'complete');

  const isDone = (spans: SentSpan[]): boolean =>
    spans.some(({ name }) => name === 'RunWorkflow:chatTurn') &&
    spans.some(({ name }) => name === 'RunActivity:finishTurn');
  const spans = await untilSent(caller.traceId, isDone);
  const named = (name: string): SentSpan[] => spans.filter((span) => span.name === name);
  const only = (name: string): SentSpan => {
    const found = named(name);
    assert.equal(found.length, 1, `${found.length} spans ${name}`);
    return found[0]!;
  };
  const request = only('POST /api/copilot/sessions/:id/chat');
  assert.deepEqual([request.parentSpanId, request.kind], [caller.spanId, 2]);
  assert.equal(request.attributes['http.response.status_code'], 200);
  assert.equal(request.attributes['copilot.turn_id'], reader.turnId());
  assert.deepEqual(
    [request.resource['service.name'], request.resource['copilot.role']],
    ['workflow-copilot', 'api'],
  );
  const start = only('StartWorkflow:chatTurn');
  assert.equal(start.parentSpanId, request.spanId);
  const workflow = only('RunWorkflow:chatTurn');
  assert.equal(workflow.parentSpanId, start.spanId);
  assert.equal(workflow.attributes['copilot.turn_id'], reader.turnId());
  assert.equal(workflow.attributes['copilot.turn_status'], 'complete');

  const activities = spans.filter(({ name }) => name.startsWith('RunActivity:'));
  for (const activity of activities) {
    assert.equal(activity.parentSpanId, workflow.spanId, activity.name);
    assert.ok(activity.startMs >= workflow.startMs - 100 && activity.endMs <= workflow.endMs + 5_000);
  }
  const tool = only('execute_tool get_block_info');
  assert.equal(tool.parentSpanId, only('RunActivity:runTool').spanId);

  // The killed worker's span of step 2 is lost with it; the attempt that went on says so.
  const second = named('RunActivity:callModel').find(({ attributes }) => attributes['copilot.step'] === 2)!;
  assert.ok((second.attributes['temporal.activity.attempt'] as number) >= 2);
  assert.deepEqual(second.events, ['worker lost']);

  const calls = named(`chat ${DEFAULT_MODEL}`);
  const first = calls.find(({ attributes }) => attributes['gen_ai.usage.input_tokens'] === 321)!;
  assert.equal(first.kind, 3);
  assert.deepEqual(
    {
      operation: first.attributes['gen_ai.operation.name'],
      provider: first.attributes['gen_ai.provider.name'],
      model: first.attributes['gen_ai.request.model'],
      output: first.attributes['gen_ai.usage.output_tokens'],
      finish: first.attributes['gen_ai.response.finish_reasons'],
      session: first.attributes['gen_ai.conversation.id'],
    },
    {
      operation: 'chat',
      provider: 'openai',
      model: DEFAULT_MODEL,
      output: 12,
      finish: ['tool_calls'],
      session,
    },
  );
  assert.ok(calls.some(({ parentSpanId }) => parentSpanId === second.spanId));

  assert.doesNotMatch(receiver.text(), new RegExp(SECRET_WORDS), 'no content unless asked');
  assert.match(heir.output(), new RegExp(`"trace_id":"${caller.traceId}"`));
  assert.match(api.output(), new RegExp(`"trace_id":"${caller.traceId}"`));
  await heir.kill('SIGTERM');
});

test('each answer tells its trace, and requests of machines have none', async () => {
  const answer = await call(cluster, api, 'GET', '/api/block-types');
  const traceId = answer.headers.get('x-trace-id')!;
  assert.match(traceId, /^[\da-f]{32}$/);
  await untilSent(traceId, ([span]) => span?.name === 'GET /api/block-types');
  assert.equal((await call(cluster, api, 'GET', '/healthz')).headers.get('x-trace-id'), null);
});

test('by default traces go out as protobuf; without an endpoint there are none', async () => {
  const { OTEL_EXPORTER_OTLP_ENDPOINT } = env;
  const plain = await cluster.startApi({ OTEL_EXPORTER_OTLP_ENDPOINT });
  const traceId = (await call(cluster, plain, 'GET', '/api/block-types')).headers.get('x-trace-id')!;
  await plain.kill('SIGTERM');
  const { type, bytes } = receiver.others.at(-1)!;
  assert.equal(type, 'application/x-protobuf');
  assert.ok(bytes.includes(Buffer.from(traceId, 'hex')), 'what was left is sent at the end');

  const off = await cluster.startApi();
  assert.equal((await call(cluster, off, 'GET', '/api/block-types')).headers.get('x-trace-id'), null);
  await off.kill('SIGTERM');
});
