/** Serves the metrics page and the readiness of a process that has no API: a worker. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { bearsToken, isLocal } from './access.ts';
import type { Metrics } from './metrics.ts';

export interface MetricsServer {
  /** Such as `http://127.0.0.1:9464/metrics`. */
  url: string;
  close(): Promise<void>;
}

/**
 * Serves `GET /metrics` at an address. The page is open to programs on this machine; everyone else needs the token.
 * `GET /readyz` is open to everyone: 200 when `isReady` says so, otherwise 503. Fails with Node's error (`code` EADDRINUSE,
 * EACCES) when it can't listen.
 */
export async function serveMetrics(
  metrics: Pick<Metrics, 'page' | 'contentType'>,
  {
    host,
    port,
    token,
    isReady,
  }: { host: string; port: number; token: string | undefined; isReady: () => boolean },
): Promise<MetricsServer> {
  const server = createServer((request, response) => {
    const answer = (
      status: number,
      type: string,
      body: string,
      headers: Record<string, string> = {},
    ): void => {
      response.writeHead(status, {
        'Content-Type': type,
        'Content-Length': Buffer.byteLength(body),
        ...headers,
      });
      response.end(request.method === 'HEAD' ? undefined : body);
    };
    const refuse = (status: number, error: string, headers?: Record<string, string>): void =>
      answer(status, 'application/json; charset=utf-8', JSON.stringify({ error }), headers);
    const path = request.url?.split('?')[0];
    if (path !== '/metrics' && path !== '/readyz') return refuse(404, 'There is nothing at this path');
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return refuse(405, 'This path takes GET, HEAD', { Allow: 'GET, HEAD' });
    if (path === '/readyz')
      return isReady()
        ? answer(200, 'application/json; charset=utf-8', JSON.stringify({ status: 'ready' }))
        : refuse(503, 'The worker does not poll yet');
    if (!isLocal(request) && !bearsToken(request, token))
      return refuse(401, 'A token is required: send `Authorization: Bearer <COPILOT_METRICS_TOKEN>`', {
        'WWW-Authenticate': 'Bearer realm="copilot"',
      });
    metrics.page().then(
      (page) => answer(200, metrics.contentType, page),
      () => refuse(503, 'The metrics can not be read now'),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${bound}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
