/** Turns that wait for a person: asks, leaves, and comes back to decide or to cancel. */
import { setTimeout as delay } from 'node:timers/promises';
import { readStream } from '../test/soak/read-stream.ts';
import type { Cluster } from '../test/support/cluster.ts';
import { call } from '../test/support/cluster-client.ts';
import type { ReadyFile } from './bench-system.ts';
import { makeSessions } from './chat-reader.ts';
import type { Answer } from './model-server.ts';

/** So many chats or decisions are under way at once. */
const AT_ONCE = 25;
const END_LIMIT_MS = 120_000;

interface Question {
  session: string;
  turnId: string;
  callId: string;
}

/** Starts turns number `from` and on, and reads each until its question. Then the reader goes, as people do. */
export async function askCrowd(ready: ReadyFile, from: number, count: number): Promise<Question[]> {
  const sessions = await makeSessions(ready, count);
  return inLanes(sessions, async (session, n) => {
    const answer: Answer = { pieces: 20, pieceMs: 0, toolSteps: 0, asksFor: `Bench ${from + n}` };
    let callId: string | null = null;
    const { turnId, status } = await readStream(
      `${ready.url}/api/copilot/sessions/${session}/chat`,
      {
        method: 'POST',
        headers: { Authorization: `Bearer ${ready.key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ message: JSON.stringify(answer) }),
      },
      ({ event, call_id }) => {
        if (event === 'confirmation_required') callId = String(call_id);
        return callId !== null;
      },
    );
    if (callId === null) throw new Error(`turn ${turnId} did not ask; the chat was answered ${status}`);
    return { session, turnId, callId };
  });
}

/** Approves each other question and cancels the other turns. A turn is lost that does not end as it was told. */
export async function endCrowd(
  cluster: Cluster,
  ready: ReadyFile,
  questions: Question[],
): Promise<{ decided: number; cancelled: number; lost: number }> {
  await inLanes(questions, async ({ session, turnId, callId }, n) => {
    const turn = `/api/copilot/sessions/${session}/turns/${turnId}`;
    const answered =
      n % 2 === 0
        ? await call(cluster, ready, 'POST', `${turn}/confirmations/${callId}`, { approved: true })
        : await call(cluster, ready, 'POST', `${turn}/cancel`);
    if (answered.status >= 300) throw new Error(`${turn} was answered ${answered.status}`);
  });
  const ids = questions.map(({ turnId }) => turnId);
  const countOf = async (condition: string): Promise<number> => {
    const [row] = await cluster.query<{ n: number }>(
      `select count(*)::int as n from ai.copilot_turns where id = any($1) and ${condition}`,
      [ids],
    );
    return row!.n;
  };
  for (const until = Date.now() + END_LIMIT_MS; Date.now() < until; await delay(500))
    if ((await countOf('finished_at is null')) === 0) break;
  const decided = await countOf(`status = 'complete' and exists (
    select 1 from ai.copilot_confirmations c where c.turn_id = copilot_turns.id and c.decision = 'approved')`);
  const cancelled = await countOf(`status = 'cancelled'`);
  const told = Math.ceil(ids.length / 2);
  const lost = Math.max(0, told - decided) + Math.max(0, ids.length - told - cancelled);
  return { decided, cancelled, lost };
}

/** Works on the items in order, a few at once. */
async function inLanes<Item, Result>(
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const rest = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of rest) results[index] = await work(item, index);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  return results;
}
