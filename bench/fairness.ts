/** What one person's chats cost while another sends a burst of 200: with the default limits, and without any. */
import { setTimeout as delay } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { type BenchSystem, type ReadyFile, startBenchSystem } from './bench-system.ts';
import { chatWithProduct, makeSessions } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { percentile, printTable, round } from './stats.ts';

const SECRET = 'a secret of the benchmark, 32 bytes or more';
const BURST = 200;
/** A turn of two model calls of half a second. */
const TURN: Answer = { pieces: 20, pieceMs: 25, toolSteps: 1 };
const CHATS = 20;
/** Below the 5 s after which the server closes an idle connection. */
const RETRY_MS = 3_000;
const NO_LIMITS = {
  COPILOT_LIMIT_CHATS_PER_MINUTE: '0',
  COPILOT_LIMIT_RUNNING_TURNS: '0',
  COPILOT_LIMIT_STREAMS: '0',
};

/** Measures and prints both configurations, each in a system of its own. */
export async function benchFairness(): Promise<void> {
  for (const [label, env] of [
    ['default limits', {}],
    ['no limits', NO_LIMITS],
  ] as const) {
    const system = await startBenchSystem({
      JWT_SECRET: SECRET,
      LOG_LEVEL: 'error',
      COPILOT_ALLOWED_ROLES: 'service_role,authenticated',
      ...env,
    });
    try {
      printTable(
        `Turns of one person while another sends ${BURST} chats at once, ${label}`,
        ['meanwhile', 'turns', 'turn p50 (ms)', 'turn p95 (ms)', 'first token p95 (ms)'],
        await measure(system),
      );
    } finally {
      await system.stop();
    }
  }
}

async function measure({ ready }: BenchSystem): Promise<string[][]> {
  const [person, other] = await Promise.all(['person', 'other'].map((sub) => as(ready, sub)));
  await chats(person!, 3);
  const rows = [toRow('nothing', await chats(person!, CHATS))];
  const sessions = await makeSessions(other!, BURST);
  let isOver = false;
  const burst = Promise.all(
    sessions.map(async (session) => {
      // A client whose chat was refused or failed comes again.
      while (!isOver && !(await isDone(other!, session))) await delay(RETRY_MS);
    }),
  );
  rows.push(toRow('the burst', await chats(person!, CHATS)));
  isOver = true;
  await burst;
  return rows;
}

async function as(ready: ReadyFile, sub: string): Promise<ReadyFile> {
  const token = new SignJWT({ role: 'authenticated', sub }).setProtectedHeader({ alg: 'HS256' });
  return { ...ready, key: await token.setExpirationTime('1h').sign(new TextEncoder().encode(SECRET)) };
}

/** False when the chat was refused, or failed under the load. */
async function isDone(ready: ReadyFile, session: string): Promise<boolean> {
  return chatWithProduct(ready, session, TURN).then(
    () => true,
    () => false,
  );
}

/** One chat after the other, in a session of its own each. */
async function chats(ready: ReadyFile, count: number) {
  const readings = [];
  for (let n = 0; n < count; n += 1) {
    const [session] = await makeSessions(ready, 1);
    readings.push(await chatWithProduct(ready, session!, TURN));
  }
  return readings;
}

function toRow(meanwhile: string, readings: Awaited<ReturnType<typeof chats>>): string[] {
  const total = readings.map(({ totalMs }) => totalMs);
  const first = readings.map(({ firstTokenMs }) => firstTokenMs);
  return [
    meanwhile,
    String(readings.length),
    round(percentile(total, 0.5)),
    round(percentile(total, 0.95)),
    round(percentile(first, 0.95)),
  ];
}
