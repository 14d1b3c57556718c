/**
 * The metrics of Core, the Temporal SDK's native part: polls, slots, latencies, requests to the server. Core serves them on
 * a loopback port of its own; the metrics page of the process shows them.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import type { TelemetryOptions } from '@temporalio/worker';
import type { Metrics } from '../runtime/metrics/metrics.ts';

/** The page is read on the same machine, so an answer takes milliseconds. */
const READ_MS = 1_000;

/** Finds an address for Core, and adds Core's metrics to the page. The options are for Core's runtime. */
export async function addCoreMetrics(metrics: Pick<Metrics, 'addPart'>): Promise<TelemetryOptions> {
  const bindAddress = `127.0.0.1:${await findFreePort()}`;
  metrics.addPart(async () => {
    try {
      const answer = await fetch(`http://${bindAddress}/metrics`, { signal: AbortSignal.timeout(READ_MS) });
      return answer.ok ? await answer.text() : '';
    } catch {
      return '';
    }
  });
  return {
    metrics: {
      prometheus: {
        bindAddress,
        countersTotalSuffix: true,
        unitSuffix: true,
        useSecondsForDurations: true,
      },
      attachServiceName: false,
    },
  };
}

/** Core can't choose a port itself, as it would not tell which one it took. */
async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
