/** Links to Temporal that fall silent for good while new ones work: the client's, and Core's. */
import assert from 'node:assert/strict';
import { before, describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { toTemporalFault } from '../../../api/http/temporal-errors.ts';
import type { Client } from '@temporalio/client';
import { TEMPORAL } from '../../../runtime/bounds.ts';
import { loadConfig } from '../../../runtime/config.ts';
import { connectNative, connectTemporalClient } from '../../../runtime/connections.ts';
import { createLogger } from '../../../runtime/logger.ts';
import { installRuntime } from '../../../worker/run-worker.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';

const [host, port] = (process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '').split(':') as [string, string];
const logger = createLogger({ level: 'silent' });
const { temporal } = loadConfig({});
const NOTICED_MS = 10_000;
const SLACK_MS = 1_500;
/** What the API's close gives a link. */
const CLOSE_STEP_MS = 1_000;

before(() => installRuntime(logger));

async function startLink(t: TestContext): Promise<FaultProxy> {
  const proxy = await startFaultProxy({ host, port: Number(port) });
  t.after(() => proxy.close());
  return proxy;
}

const ask = (client: Client, ms: number): Promise<unknown> =>
  client.withDeadline(Date.now() + ms, () =>
    client.workflowService.describeNamespace({ namespace: temporal.namespace }),
  );

/** How long until a call is answered again; every call must end by its own deadline meanwhile. */
async function untilAnswered(client: Client): Promise<number> {
  const from = performance.now();
  for (;;) {
    const asked = performance.now();
    try {
      await ask(client, TEMPORAL.queryMs);
      return performance.now() - from;
    } catch {
      assert.ok(performance.now() - asked < TEMPORAL.queryMs + SLACK_MS, 'a call outlived its deadline');
      assert.ok(performance.now() - from < NOTICED_MS + SLACK_MS, 'the dead link was not replaced');
      await delay(50);
    }
  }
}

describe('links to Temporal', { concurrency: true }, () => {
  for (const kind of ['client', 'Core'] as const) {
    test(`the link of a ${kind} dies without a word: calls end in time, and it is replaced`, async (t) => {
      const proxy = await startLink(t);
      const native = kind === 'Core' ? await connectNative(temporal, proxy.address, logger) : undefined;
      const link = await connectTemporalClient(
        temporal,
        proxy.address,
        logger,
        native && { native: native.connection },
      );
      try {
        await ask(link.client, 10_000);
        const opened = proxy.opened();
        proxy.abandon();
        await untilAnswered(link.client);
        assert.ok(proxy.opened() > opened);
        // Nothing is left of the links that were only tried.
        for (const limit = Date.now() + 5_000; proxy.open() > 1 && Date.now() < limit; ) await delay(20);
        assert.equal(proxy.open(), 1);
      } finally {
        await link.close();
        await native?.close();
      }
    });

    test(`the server of a ${kind} is slow: its link is kept`, async (t) => {
      const proxy = await startLink(t);
      const native = kind === 'Core' ? await connectNative(temporal, proxy.address, logger) : undefined;
      const link = await connectTemporalClient(
        temporal,
        proxy.address,
        logger,
        native && { native: native.connection },
      );
      try {
        await ask(link.client, 10_000);
        const opened = proxy.opened();
        proxy.inject({ kind: 'blackHole', way: 'both' });
        await delay(5_000);
        proxy.heal();
        await ask(link.client, 10_000);
        for (const limit = Date.now() + 5_000; proxy.open() > 1 && Date.now() < limit; ) await delay(20);
        assert.equal(proxy.open(), 1);
        assert.ok(proxy.opened() <= opened + 2, 'new links were tried, not used');
      } finally {
        await link.close();
        await native?.close();
      }
    });
  }

  for (const [state, waitMs] of [
    ['is under way', 0],
    ['is about to be made again', 300],
  ] as const) {
    test(`a link is closed while a call ${state} and the server is away: the call ends, and nothing else is heard`, async () => {
      // Port 9 (discard) of the loopback: nothing listens there. What nobody catches fails this test by itself.
      const link = await connectTemporalClient(temporal, '127.0.0.1:9', logger);
      const call = ask(link.client, TEMPORAL.rpcMs);
      const failed = assert.rejects(call, (error: unknown) => toTemporalFault(error)?.kind === 'away');
      await delay(waitMs);
      const from = performance.now();
      await link.close();
      assert.ok(performance.now() - from < CLOSE_STEP_MS);
      await failed;
      assert.ok(performance.now() - from < TEMPORAL.rpcMs + SLACK_MS);
      await assert.rejects(
        ask(link.client, 1_000),
        (error: unknown) => toTemporalFault(error)?.kind === 'away',
        'a call on a closed link is refused like one on a broken link',
      );
    });
  }

  test('a server that accepts connections and says nothing is given up in time', async (t) => {
    const proxy = await startLink(t);
    proxy.inject({ kind: 'blackHole', way: 'both' });
    const from = performance.now();
    await assert.rejects(
      connectNative(temporal, proxy.address, logger),
      (error: Error) => error.name === 'TransportError',
    );
    assert.ok(performance.now() - from < TEMPORAL.connectMs + SLACK_MS);
  });
});
