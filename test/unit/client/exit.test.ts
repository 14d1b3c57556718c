/** Whoever leaves a stream or a request keeps no handle: its process ends by itself, and no rejection is left over. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { START, X_TURN } from '../../support/client-streams.ts';
import { block } from '../../support/fake-fetch.ts';
import { listenLocally } from '../../support/listen.ts';

const run = promisify(execFile);
/** Far less than a pause, a silence or a deadline of the client that somebody forgot to end. */
const LIMIT_MS = 15_000;
const STREAM = { 'Content-Type': 'text/event-stream', ...X_TURN };
const BUSY = { 'Content-Type': 'application/json', 'Retry-After': '10' };

const ANSWERS: Record<string, (response: ServerResponse) => void> = {
  never: () => undefined,
  headers: (response) => response.writeHead(200, STREAM).flushHeaders(),
  open: (response) => void response.writeHead(200, STREAM).write(block(START)),
  refuse: (response) => void response.socket?.destroy(),
  busy: (response) => void response.writeHead(503, BUSY).end('{"error":"busy"}'),
  'half-error': (response) => void response.writeHead(503, BUSY).write('{"error'),
};

test('a process that left its streams and requests in every phase ends by itself', async () => {
  const open = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    open.add(response);
    response.on('close', () => open.delete(response));
    ANSWERS[request.url!.split('/')[1]!]!(response);
  });
  const { port, close } = await listenLocally(server);
  const file = join(import.meta.dirname, '../../support/client-exit.ts');
  const { stdout, stderr } = await run(process.execPath, [file, `http://127.0.0.1:${port}`], {
    timeout: LIMIT_MS,
  });
  assert.equal(stdout.trim(), Object.keys(ANSWERS).join());
  assert.doesNotMatch(stderr, /unhandled|MaxListeners/i);
  await close();
  assert.equal(open.size, 0);
});
