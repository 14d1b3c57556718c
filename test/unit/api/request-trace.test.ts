/** The span of a request: its place among traces, which a caller may not choose by default, and what it holds. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { propagation, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import Koa from 'koa';
import { createRequestTraceMiddleware } from '../../../api/middleware/request-trace.ts';
import { listenLocally } from '../../support/listen.ts';

const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const exporter = new InMemorySpanExporter();
const ends: (() => Promise<void>)[] = [];
let linking: string;
let continuing: string;

async function serve(continuesCallers: boolean): Promise<string> {
  const app = new Koa();
  app.silent = true;
  app.use(createRequestTraceMiddleware({ continuesCallers }));
  app.use((ctx) => {
    ctx.status = ctx.req.url === '/broken' ? 500 : 204;
  });
  const answer = app.callback();
  const { port, close } = await listenLocally(
    createServer((request, response) => void answer(request, response)),
  );
  ends.push(close);
  return `http://127.0.0.1:${port}`;
}

async function spanOf(url: string, headers: Record<string, string> = {}) {
  const answer = await fetch(url, { headers });
  const [span] = exporter.getFinishedSpans();
  return { span: span!, told: answer.headers.get('x-trace-id') };
}
const traceparent = (flags: string): string => `00-${CALLER.traceId}-${CALLER.spanId}-${flags}`;

// A suite: many test files share a process, and these tests set what is global to it.
describe('the span of a request', () => {
  before(async () => {
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
    );
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    [linking, continuing] = await Promise.all([serve(false), serve(true)]);
  });
  beforeEach(() => exporter.reset());
  after(async () => {
    for (const end of ends) await end();
    trace.disable();
    propagation.disable();
  });

  test('by default a request has a trace of its own, with a link to the span that the caller names', async () => {
    const { span, told } = await spanOf(linking, { traceparent: traceparent('01') });
    const { traceId } = span.spanContext();
    assert.notEqual(traceId, CALLER.traceId);
    assert.equal(told, traceId);
    assert.equal(span.parentSpanContext, undefined);
    assert.deepEqual(
      span.links.map(({ context: { traceId: id, spanId } }) => ({ traceId: id, spanId })),
      [CALLER],
    );
  });

  test("a target that can't be read reaches the check that refuses it", async () => {
    const [answer] = (await once(get(linking, { path: 'http://[::/' }), 'response')) as [IncomingMessage];
    answer.resume();
    assert.equal(answer.statusCode, 204);
  });

  test('by default a caller does not choose whether its trace is kept', async () => {
    const { span } = await spanOf(linking, { traceparent: traceparent('00') });
    assert.equal(span.spanContext().traceFlags, 1);
  });

  test('where callers are trusted, their trace goes on', async () => {
    const { span, told } = await spanOf(continuing, { traceparent: traceparent('01') });
    assert.deepEqual(
      [span.spanContext().traceId, span.parentSpanContext?.spanId],
      [CALLER.traceId, CALLER.spanId],
    );
    assert.equal(told, CALLER.traceId);
    assert.deepEqual(span.links, []);
  });

  test('nothing that a caller writes gets into a span', async () => {
    const canary = 'canary'.repeat(1_000);
    const hostile: Record<string, string>[] = [
      { traceparent: canary },
      { traceparent: `00-${'0'.repeat(32)}-${CALLER.spanId}-01` },
      { traceparent: `${traceparent('01')}, ${traceparent('01')}` },
      { traceparent: `${traceparent('01')}-canary` },
      { traceparent: traceparent('01'), tracestate: `canary=${canary}`, baggage: `canary=${canary}` },
      { tracestate: 'canary=1', baggage: 'canary=1', b3: `${CALLER.traceId}-${CALLER.spanId}-1` },
    ];
    for (const url of [linking, continuing])
      for (const headers of hostile) {
        exporter.reset();
        const { span } = await spanOf(`${url}/canary?canary=1`, headers);
        const { attributes, links, name, parentSpanContext } = span;
        const seen = JSON.stringify([
          attributes,
          links,
          name,
          parentSpanContext,
          span.spanContext().traceState?.serialize() ?? '',
          links.map(({ context }) => context.traceState?.serialize() ?? ''),
        ]);
        assert.doesNotMatch(seen, /canary/);
        assert.ok(seen.length < 1_000);
      }
  });

  test('a fault of the service has the status of an error, and probes have no span', async () => {
    const { span } = await spanOf(`${linking}/broken`);
    assert.deepEqual([span.status.code, span.attributes['error.type']], [2, '500']);
    exporter.reset();
    assert.deepEqual(await spanOf(`${linking}/healthz`), { span: undefined, told: null });
  });
});
