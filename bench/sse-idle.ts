/**
 * What idle readers cost one API process: memory above the idle process, CPU while nothing happens, and how long one
 * event takes to reach them all. V8 lets its young generation grow to 96 MB while the readers come, which has nothing
 * to do with them; the flag below holds it at what an idle process needs. Readers live in a process of their own. Needs
 * COPILOT_TEST_DATABASE_URL.
 *
 *   export COPILOT_TEST_DATABASE_URL=postgres://...
 *   node --max-semi-space-size=16 bench/sse-idle.ts [readers] [turns] [opened at a time]
 */
import { fork } from 'node:child_process';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createTestDatabase } from '../test/support/api-database.ts';
import { appendEvents, insertSession, insertTurn, startTestApi } from '../test/support/test-api.ts';

const MB = 1024 * 1024;

interface ReaderJob {
  port: number;
  readers: number;
  /** Connections that are opened at a time. */
  wave: number;
  paths: string[];
  authorization: string;
}

/** The other process: opens sockets, counts what arrives. */
function read(job: ReaderJob): void {
  let answered = 0;
  let finished = 0;
  let begun = 0;
  const begin = (): void => {
    const index = begun;
    begun += 1;
    const socket = connect(job.port, '127.0.0.1');
    const path = job.paths[index % job.paths.length]!;
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: ${job.authorization}\r\n\r\n`);
    let open = false;
    socket.on('data', (chunk: Buffer) => {
      if (!open && chunk.includes('retry: 1000')) {
        open = true;
        answered += 1;
        if (begun < job.readers) begin();
        if (answered === job.readers) process.send?.('open');
      }
      if (chunk.includes('"complete"')) {
        finished += 1;
        if (finished === job.readers) process.send?.('finished');
      }
    });
    socket.on('error', (error) => {
      throw error;
    });
  };
  while (begun < Math.min(job.wave, job.readers)) begin();
}

async function settledMemory(): Promise<NodeJS.MemoryUsage> {
  for (let round = 0; round < 3; round += 1) {
    globalThis.gc?.();
    await delay(300);
  }
  return process.memoryUsage();
}

/** Prints one line of JSON. */
async function measure(readers: number, turnCount: number, wave: number): Promise<void> {
  const database = await createTestDatabase();
  const api = await startTestApi({ databaseUrl: database.url });
  const session = await insertSession(api.db);
  const turns: string[] = [];
  for (let index = 0; index < turnCount; index += 1) turns.push(await insertTurn(api.db, session));
  const path = (turn: string) => `/api/copilot/sessions/${session.sessionId}/turns/${turn}/events`;
  await fetch(`${api.url}/healthz`);
  const before = await settledMemory();

  const child = fork(import.meta.filename, ['--reader']);
  const heard = (message: string) =>
    new Promise<void>((resolve, reject) => {
      child.on('message', (received) => {
        if (received === message) resolve();
      });
      child.once('exit', () => reject(new Error('the readers ended')));
    });
  const open = heard('open');
  const startedAt = performance.now();
  child.send({
    port: api.port,
    readers,
    wave: wave,
    paths: turns.map(path),
    authorization: api.headers.Authorization!,
  } satisfies ReaderJob);
  await open;
  const openMs = performance.now() - startedAt;
  const atOnce = process.memoryUsage().rss;
  const idle = await settledMemory();

  const cpuBefore = process.cpuUsage();
  const IDLE_MS = 20_000;
  await delay(IDLE_MS);
  const cpu = process.cpuUsage(cpuBefore);

  const finished = heard('finished');
  const sentAt = performance.now();
  for (const turn of turns)
    await appendEvents(api.db, turn, [{ event: 'complete', payload: { content: 'x' } }]);
  await finished;
  const fanOutMs = performance.now() - sentAt;
  child.removeAllListeners('exit');
  child.kill();
  await api.close();
  await database.drop();
  process.stdout.write(
    `${JSON.stringify({
      readers,
      turns: turnCount,
      open_ms: Math.round(openMs),
      rss_mb_above_idle: Math.round((idle.rss - before.rss) / MB),
      rss_mb_above_idle_at_once: Math.round((atOnce - before.rss) / MB),
      heap_kb_per_reader: Math.round(((idle.heapUsed - before.heapUsed) / readers / 1024) * 10) / 10,
      idle_cpu_percent: Math.round(((cpu.user + cpu.system) / 1000 / IDLE_MS) * 1000) / 10,
      last_reader_has_event_ms: Math.round(fanOutMs),
    })}\n`,
  );
}

if (process.argv[2] === '--reader') process.on('message', (job) => read(job as ReaderJob));
else
  await measure(
    Number(process.argv[2] ?? 5_000),
    Number(process.argv[3] ?? 1),
    Number(process.argv[4] ?? 100),
  );
