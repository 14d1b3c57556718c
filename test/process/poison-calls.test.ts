/** Calls that end their worker, every time, on workers that a supervisor starts again. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiRole, type Cluster, startCluster } from '../support/cluster.ts';
import { chat, newSession, upTo } from '../support/cluster-client.ts';

const WORKER = join(import.meta.dirname, '../support/poison-worker.ts');
const PIECES = upTo(30).map((n) => `w${n} `);
let cluster: Cluster;
let api: ApiRole;
let deaths = 0;
let isOver = false;

/** Starts a worker whenever there is none in its place, as whatever supervises a real one does. */
async function supervise(): Promise<void> {
  while (!isOver) {
    const worker = await cluster.startWorker({}, undefined, WORKER);
    await new Promise((resolve) => worker.child.once('exit', resolve));
    if (!isOver) deaths += 1;
  }
}

before(async () => {
  cluster = await startCluster({
    script: ({ message, toolResults, n }) => {
      const [, tool] = /^Call (\w+)/.exec(message) ?? [];
      if (tool !== undefined && toolResults === 0) return { toolCalls: [{ name: tool, arguments: {} }] };
      // No two turns beside it are at the same place when their worker dies.
      return { text: PIECES, pieceMs: tool === undefined ? 40 + (n % 5) * 20 : 0 };
    },
  });
  api = await cluster.startApi();
  for (const _ of [1, 2]) supervise().catch(() => undefined);
});
after(async () => {
  isOver = true;
  await cluster.stop();
});

for (const tool of ['kills_its_worker', 'blocks_for_ever'] as const) {
  test(`${tool}: the call is a failed result within 60 s, and the turns beside it end as ever`, async () => {
    const deathsBefore = deaths;
    const begin = async (message: string) =>
      chat(cluster, () => [api], await newSession(cluster, api), { message });
    const others = await Promise.all(upTo(3).map((n) => begin(`Beside ${tool} ${n}`)));
    await Promise.all(others.map((reader) => reader.until(({ event }) => event === 'content_delta', 60_000)));
    const startedAt = Date.now();
    const poison = await begin(`Call ${tool}`);
    const end = await poison.end(60_000);
    const tookMs = Date.now() - startedAt;
    assert.deepEqual([end.event, end.content], ['complete', PIECES.join('')]);
    const [result] = poison.events.filter(({ event }) => event === 'tool_result');
    assert.equal(result!.is_error, true);
    assert.match(String(result!.result), /was lost 3 times/);
    for (const other of others) {
      const ended = await other.end(60_000);
      assert.deepEqual([ended.event, ended.content], ['complete', PIECES.join('')]);
    }
    console.log(`${tool}: ended after ${tookMs} ms and ${deaths - deathsBefore} deaths`);
  });
}
