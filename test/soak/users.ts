/** The simulated users of a soak. They send messages, join running turns, decide, cancel and delete. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ApiRole, Cluster } from '../support/cluster.ts';
import { call, newSession } from '../support/cluster-client.ts';
import { readStream, type StreamFacts } from './read-stream.ts';
import { type Kind, KINDS, soakCanvas } from './script.ts';

export interface Tally {
  /** How many chats were answered with 200. */
  started: number;
  byKind: Record<Kind, number>;
  /** How many readers joined a running turn and left before its end. */
  visits: number;
  deletedSessions: number;
  /** What must not happen, one line each. */
  faults: string[];
}

interface OpenQuestion {
  session: string;
  turnId: string;
  callId: string;
}

const TURNS_PER_SESSION = 6;
/** How many questions may be open at once. When there are more, the oldest is rejected. */
const OPEN_QUESTIONS = 20;
const MAX_THINK_MS = 400;

/** Lets users work until `untilMs` (of Date.now()), then rejects the questions that are still open. */
export async function runUsers(
  { cluster, api }: { cluster: Cluster; api: ApiRole },
  { users, untilMs, tally }: { users: number; untilMs: number; tally: Tally },
): Promise<void> {
  const headers = { Authorization: `Bearer ${cluster.key()}`, 'Content-Type': 'application/json' };
  const open: OpenQuestion[] = [];
  let messages = 0;

  const decide = async ({ session, turnId, callId }: OpenQuestion, approved: boolean): Promise<void> => {
    const path = `/api/copilot/sessions/${session}/turns/${turnId}/confirmations/${callId}`;
    const { status } = await call(cluster, api, 'POST', path, { approved });
    if (status !== 200) tally.faults.push(`a decision was answered ${status}`);
  };
  const remove = async (session: string): Promise<void> => {
    const { status } = await call(cluster, api, 'DELETE', `/api/copilot/sessions/${session}`);
    if (status === 204) tally.deletedSessions += 1;
    else tally.faults.push(`a delete was answered ${status}`);
  };
  /** Joins a running turn and leaves after some events. */
  const visit = async (session: string, turnId: string): Promise<void> => {
    tally.visits += 1;
    let left = 1 + Math.floor(Math.random() * 40);
    const url = `${api.url}/api/copilot/sessions/${session}/turns/${turnId}/events`;
    const facts = await readStream(url, { headers }, () => --left <= 0);
    if (facts.isHung)
      tally.faults.push(`a passing reader of turn ${turnId}: no end after seq ${facts.lastSeq}`);
  };

  const turn = async (session: string, kind: Kind): Promise<'kept' | 'gone'> => {
    const n = ++messages;
    const visits: Promise<void>[] = [];
    const acts: Promise<unknown>[] = [];
    const facts = await readStream(
      `${api.url}/api/copilot/sessions/${session}/chat`,
      {
        method: 'POST',
        headers,
        body: JSON.stringify({
          message: `${kind} ${String(n).padStart(8, '0')}`,
          ...(n % 2 === 0 ? { workflow_state: soakCanvas(n) } : {}),
        }),
      },
      ({ event, seq, call_id: callId }, { turnId }) => {
        if (seq === 3 && n % 3 === 0 && kind !== 'Leave') visits.push(visit(session, turnId));
        const question = { session, turnId, callId: String(callId) };
        if (event === 'confirmation_required' && kind === 'Ask') acts.push(decide(question, n % 3 !== 0));
        if (event === 'confirmation_required' && kind === 'Leave') {
          open.push(question);
          return true;
        }
        if (seq === 12 && kind === 'Cancel') {
          acts.push(call(cluster, api, 'POST', `/api/copilot/sessions/${session}/turns/${turnId}/cancel`));
        }
        if (seq === 12 && kind === 'Delete') acts.push(remove(session));
        return false;
      },
    );
    await Promise.all([...acts, ...visits]);
    if (facts.status === 200) {
      tally.started += 1;
      tally.byKind[kind] += 1;
    }
    const fault = faultOf(kind, facts);
    if (fault !== null) tally.faults.push(`${kind} ${n}, turn ${facts.turnId}: ${fault}`);
    return kind === 'Delete' || kind === 'Leave' ? 'gone' : 'kept';
  };

  const user = async (offset: number): Promise<void> => {
    for (let n = offset; Date.now() < untilMs; ) {
      let session: string | null = await newSession(cluster, api);
      for (let i = 0; session !== null && i < TURNS_PER_SESSION && Date.now() < untilMs; i += 1) {
        const ended = await turn(session, KINDS[n++ % KINDS.length]!);
        if (ended === 'gone') session = null;
        while (open.length > OPEN_QUESTIONS) await decide(open.shift()!, false);
        await delay(Math.random() * MAX_THINK_MS);
      }
      if (session !== null && n % 2 === 0) await remove(session);
    }
  };
  await Promise.all(Array.from({ length: users }, (_, index) => user(index)));
  for (const question of open.splice(0)) await decide(question, false);
}

/** What is wrong with a stream that was read to its end; null when nothing is. */
function faultOf(kind: Kind, facts: StreamFacts): string | null {
  if (facts.status !== 200) return `the chat was answered ${facts.status}`;
  if (facts.isHung) return `no end after seq ${facts.lastSeq}`;
  if (!facts.isGapless) return `a gap or a repeat before seq ${facts.lastSeq}`;
  // A turn with an open question has no end yet. The stream of a deleted session may close without an end.
  if (kind === 'Leave') return null;
  if (kind === 'Delete') return facts.ends <= 1 ? null : `${facts.ends} ends`;
  if (facts.ends !== 1) return `${facts.ends} ends`;
  const { event, stop_reason: reason } = facts.end!;
  const wanted = kind === 'Cancel' ? 'cancelled' : 'done';
  if (event !== 'complete' || reason !== wanted) return `ended as ${JSON.stringify(facts.end).slice(0, 300)}`;
  return null;
}
