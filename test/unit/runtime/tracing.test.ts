/** The OpenTelemetry SDK: not loaded while traces are off, and no burden when the collector is away. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { trace } from '@opentelemetry/api';
import { loadConfig } from '../../../runtime/config.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { startTracing } from '../../../runtime/tracing/tracing.ts';
import { listenLocally } from '../../support/listen.ts';

const ROOT = join(import.meta.dirname, '../../..');
/** The time that the steps of a shutdown share. */
const SHUTDOWN_BOUND_MS = 4_500;

test('while traces are off, only the API of OpenTelemetry is loaded, and nothing is installed', async () => {
  const importing = (pattern: RegExp): string[] =>
    globSync('{activities,api,bin,contracts,db,domain,llm,models,runtime,stack,worker,workflows}/**/*.ts', {
      cwd: ROOT,
    })
      .filter((file) => pattern.test(readFileSync(join(ROOT, file), 'utf8')))
      .sort();
  assert.deepEqual(importing(/['"]@opentelemetry\/(?!api['"])/), ['runtime/tracing/sdk.ts']);
  assert.deepEqual(importing(/['"][./]*\/(?:tracing\/)?sdk\.ts['"]/), ['runtime/tracing/tracing.ts']);
  assert.deepEqual(importing(/from ['"].*\/sdk\.ts['"]/), [], 'it is imported when it is needed');
  const { end, lines } = await start({});
  assert.equal(trace.getTracer('t').startSpan('s').isRecording(), false);
  assert.equal(end, null);
  assert.deepEqual(lines, []);
});

/** Starts traces as a process does. `end` is the step of its shutdown. */
async function start(env: Record<string, string>) {
  const lines: string[] = [];
  let end: (() => Promise<void> | void) | null = null;
  await startTracing({
    config: loadConfig(env),
    logger: createLogger({ level: 'info' }, { write: (line) => void lines.push(line) }),
    role: 'test',
    shutdown: { add: (_name, close) => void (end = close) },
  });
  return { end: end as (() => Promise<void>) | null, lines };
}

const collectors: Record<string, RequestListener | null> = {
  'is away': null,
  'answers 500 with a long text': (_request, response) =>
    response.writeHead(500, 'canary'.repeat(100)).end('canary'.repeat(10_000)),
  'asks to wait for an hour': (_request, response) =>
    response.writeHead(503, { 'Retry-After': '3600' }).end(),
  'never answers': () => undefined,
  'answers one byte a while': (_request, response) => {
    const drip = setInterval(() => response.write(' '), 100);
    response.on('close', () => clearInterval(drip));
  },
};

for (const [what, listener] of Object.entries(collectors)) {
  test(`a collector that ${what} keeps no process from its end, and fills no log`, async () => {
    const server = await listenLocally(createServer(listener ?? undefined));
    if (listener === null) await server.close();
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://user:canary@127.0.0.1:${server.port}`;
    try {
      const { end, lines } = await start({
        OTEL_EXPORTER_OTLP_ENDPOINT: process.env.OTEL_EXPORTER_OTLP_ENDPOINT,
      });
      // More than the queue holds: what is too much is dropped.
      for (let index = 0; index < 5_000; index++) trace.getTracer('t').startSpan('s').end();
      const stoppedAt = performance.now();
      await end!();
      assert.ok(performance.now() - stoppedAt < SHUTDOWN_BOUND_MS);
      for (const line of lines) assert.ok(line.length < 500);
      assert.doesNotMatch(lines.join(''), /user:canary/);
    } finally {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
      await server.close();
    }
  });
}

test('a long value is cut, whoever wrote it', async () => {
  const bodies: string[] = [];
  const server = await listenLocally(
    createServer((request, response) => {
      text(request).then((body) => bodies.push(body), assert.ifError);
      response.end();
    }),
  );
  process.env.OTEL_EXPORTER_OTLP_ENDPOINT = `http://127.0.0.1:${server.port}`;
  try {
    const { OTEL_EXPORTER_OTLP_ENDPOINT } = process.env;
    const { end } = await start({ OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' });
    trace
      .getTracer('t')
      .startSpan('s', { attributes: { 'gen_ai.tool.call.id': 'x'.repeat(100_000) } })
      .end();
    await end!();
    assert.match(bodies.join(''), /x{900}/);
    assert.ok(bodies.join('').length < 5_000);
  } finally {
    delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
    await server.close();
  }
});
