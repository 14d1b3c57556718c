/** The metrics pages of real processes: of `npm start`, and of an API and a worker that run apart. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { DEFAULT_MODEL } from '../../models/models.ts';
import { type ApiRole, type Cluster, startCluster } from '../support/cluster.ts';
import { chat, newSession } from '../support/cluster-client.ts';
import { expressionsOfDeploy, metricsIn } from '../support/deploy-files.ts';
import { parseMetrics } from '../support/metrics-page.ts';

const DOCUMENT = readFileSync(join(import.meta.dirname, '../../docs/metrics.md'), 'utf8');
/** The names of copilot's metrics in the tables of docs/metrics.md. */
const DOCUMENTED = DOCUMENT.split('\n')
  .filter((line) => line.startsWith('| `'))
  .flatMap((line) => [...line.split('|')[1]!.matchAll(/`(copilot_\w+)`/g)].map((match) => match[1]!));
let cluster: Cluster;

before(async () => {
  cluster = await startCluster({ withStack: false, script: () => ({ text: ['Fine', '.'] }) });
});
after(() => cluster.stop());

async function oneTurn(api: ApiRole): Promise<void> {
  const session = await newSession(cluster, api);
  const headers = { 'Idempotency-Key': randomUUID() };
  const reader = chat(cluster, () => [api], session, { message: 'hi' }, headers);
  assert.equal((await reader.end(60_000)).event, 'complete');
}

async function read(url: string, headers: Record<string, string> = {}) {
  const response = await fetch(url, { headers });
  return { status: response.status, text: await response.text() };
}

test('the page of npm start has every metric of docs/metrics.md, and no other of copilot', async () => {
  const all = await cluster.startAll();
  await oneTurn(all);
  const { status, text } = await read(`${all.url}/metrics`);
  assert.equal(status, 200);
  const page = parseMetrics(text);
  const shown = [...page.types.keys()].filter((name) => name.startsWith('copilot_'));
  assert.deepEqual(shown.toSorted(), DOCUMENTED.toSorted());
  assert.equal(page.value('copilot_turns_total', { outcome: 'complete' }), 1);
  assert.equal(page.value('copilot_model_tokens_total', { model: DEFAULT_MODEL, kind: 'input' }), 100);
  for (const name of ['copilot_first_token_seconds', 'copilot_event_flush_seconds'])
    assert.ok(page.value(`${name}_count`)! >= 1, name);
  assert.ok(page.sum('temporal_workflow_task_execution_latency_seconds_count') >= 1, 'Core is on the page');
  assert.ok(
    page.types.has('process_cpu_seconds_total') && page.types.has('nodejs_eventloop_lag_p99_seconds'),
  );
  const named = new Set(expressionsOfDeploy().flatMap(metricsIn));
  assert.deepEqual(
    [...named].filter((name) => !page.types.has(name)),
    [],
    'dashboard and alerts',
  );
  assert.doesNotMatch(text, /[\da-f]{8}-[\da-f]{4}-[\da-f]{4}/, 'no label is an id');
  await all.kill('SIGTERM');
});

test('an API and a worker that run apart: the API has the figures of the service, the worker its own', async () => {
  await cluster.startStack();
  const api = await cluster.startApi();
  const worker = await cluster.startWorker({
    COPILOT_WORKER_METRICS_ADDRESS: '127.0.0.1:0',
    COPILOT_METRICS_TOKEN: 'scrape',
  });
  const url = /metrics are at (\S+)/.exec(worker.output())![1]!;
  const before = parseMetrics((await read(`${api.url}/metrics`)).text);
  await oneTurn(api);
  const service = parseMetrics((await read(`${api.url}/metrics`)).text);
  const turns = 'copilot_turns_total';
  assert.equal(
    service.value(turns, { outcome: 'complete' })! - before.value(turns, { outcome: 'complete' })!,
    1,
  );
  const own = parseMetrics((await read(url)).text);
  assert.equal(own.value('copilot_first_token_seconds_count'), 1);
  assert.ok(own.sum('temporal_workflow_task_execution_latency_seconds_count') >= 1);
  assert.equal(own.types.has(turns), false);

  const elsewhere = { 'X-Forwarded-For': '192.0.2.1' };
  assert.equal((await read(url, elsewhere)).status, 401);
  assert.equal((await read(url, { ...elsewhere, Authorization: 'Bearer scrape' })).status, 200);
  assert.equal((await read(new URL('/', url).href)).status, 404);
  assert.equal((await read(new URL('/readyz', url).href, elsewhere)).status, 200);
  assert.equal((await fetch(url, { method: 'POST' })).status, 405);
  await worker.kill('SIGTERM');
  assert.equal(worker.child.exitCode, 0);
});
