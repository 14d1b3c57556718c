/**
 * The production Temporal server of npm run cluster: turns run on it, are found by their attributes, and continue when every
 * process was killed. Building the server takes minutes, so this file is skipped where it was not built yet.
 * `npm test -- --cluster` runs any other test file on this server.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { clusterFolder, SERVER_VERSION } from '../../stack/cluster-binaries.ts';
import { startCluster } from '../support/cluster.ts';
import { chat, newSession, seqs, upTo } from '../support/cluster-client.ts';

const PIECES = upTo(25).map((n) => `w${n} `);
const skip = existsSync(clusterFolder(process.env)) ? false : 'npm run cluster has not built the server yet';

test('a turn on the production server survives the kill of everything and is found by its attributes', {
  skip,
}, async () => {
  const cluster = await startCluster({
    shards: '4',
    withStack: false,
    script: () => ({ text: PIECES, pieceMs: 40 }),
  });
  try {
    let api = await cluster.startAll();
    const session = await newSession(cluster, api);
    const key = { 'Idempotency-Key': randomUUID() };
    const reader = chat(cluster, () => [api], session, { message: 'Hello' }, key);
    while (seqs(reader.events).length < 4) await delay(20);
    await cluster.killAll(true);
    api = await cluster.startAll();
    const end = await reader.end(60_000);
    assert.equal(end.content, PIECES.join(''), JSON.stringify(end));

    const connection = await Connection.connect({ address: cluster.addresses().temporalAddress });
    try {
      const { serverVersion } = await connection.workflowService.getSystemInfo({});
      assert.equal(serverVersion, SERVER_VERSION);
      const client = new Client({ connection });
      const query = `CopilotSession = '${session}' AND CopilotStatus = 'complete' AND CopilotModel = 'gpt-5.2'`;
      // Visibility is written behind the workflow.
      const until = Date.now() + 10_000;
      while ((await client.workflow.count(query)).count < 1) {
        assert.ok(Date.now() < until, query);
        await delay(50);
      }
    } finally {
      await connection.close();
    }
  } finally {
    await cluster.stop();
  }
});
