/** Turns of a test cluster that look around or wait for a person, and the proof that nothing of them is lost or doubled. */
import assert from 'node:assert/strict';
import type { Cluster, ApiRole } from './cluster.ts';
import {
  call,
  chat,
  newSession,
  type Reader,
  seqs,
  shownText,
  upTo,
  type WireEvent,
} from './cluster-client.ts';
import type { FakeRequest, Script } from './fake-provider.ts';
import { openStreamClient } from './stream-client.ts';

const PIECES = upTo(12).map((n) => `w${n} `);
const END_MS = 60_000;

/** The model of the turns: `Make <name>` asks a person about an agent, `Look ...` takes three steps. */
export function playTurns({ message, toolResults }: FakeRequest): Script {
  if (message.startsWith('Make') && toolResults === 0) {
    const data = { name: message.slice('Make '.length), model: 'gpt-4.1' };
    return {
      toolCalls: [{ name: 'manage_project_asset', arguments: { action: 'create', kind: 'agent', data } }],
    };
  }
  if (message.startsWith('Look') && toolResults < 2) {
    const arguments_ = { block_types: [['agent', 'code'][toolResults]] };
    return { text: PIECES, pieceMs: 25, toolCalls: [{ name: 'get_block_info', arguments: arguments_ }] };
  }
  return { text: PIECES, pieceMs: 25 };
}

export interface RunningTurn {
  session: string;
  reader: Reader;
  /** Waits for the end. Throws when the turn did not end well, or when something of it is lost or doubled. */
  assertWhole(): Promise<void>;
}

export interface AskedTurn extends RunningTurn {
  /** Answers the question of the turn. */
  decide(approved: boolean): Promise<void>;
  /** As assertWhole; the agent was created once, or not at all. */
  assertDone(approved: boolean): Promise<void>;
}

type Apis = () => ApiRole[];

/** Starts a turn of three steps. Resolves when its text streams. */
export async function lookAround(
  cluster: Cluster,
  apis: Apis,
  message = 'Look around',
): Promise<RunningTurn> {
  const session = await newSession(cluster, apis()[0]!);
  const reader = chat(cluster, apis, session, { message });
  await reader.until(({ event }) => event === 'content_delta');
  return { session, reader, assertWhole: () => assertWhole(cluster, apis, session, reader) };
}

/** Starts a turn that asks a person. Resolves when it waits. */
export async function askedTurn(cluster: Cluster, apis: Apis, name: string): Promise<AskedTurn> {
  const session = await newSession(cluster, apis()[0]!);
  const reader = chat(cluster, apis, session, { message: `Make ${name}` });
  const question = await reader.until(({ event }) => event === 'confirmation_required');
  return {
    session,
    reader,
    assertWhole: () => assertWhole(cluster, apis, session, reader),
    async decide(approved) {
      const path = `/api/copilot/sessions/${session}/turns/${reader.turnId()}/confirmations/${String(question.call_id)}`;
      const { status, body } = await call(cluster, apis()[0]!, 'POST', path, { approved });
      assert.equal(status, 200, JSON.stringify(body));
    },
    async assertDone(approved) {
      await assertWhole(cluster, apis, session, reader);
      const made = await cluster.query('select 1 from ai.agents where name = $1', [name]);
      assert.equal(made.length, approved ? 1 : 0);
    },
  };
}

async function assertWhole(cluster: Cluster, apis: Apis, session: string, reader: Reader): Promise<void> {
  const end = await reader.end(END_MS);
  assert.equal(end.event, 'complete', JSON.stringify(end));
  assert.equal(shownText(reader.events), end.content);
  assert.deepEqual(seqs(reader.events), upTo(Number(end.seq)));
  const terminal = reader.events.filter(({ event }) => event === 'complete' || event === 'error');
  assert.equal(terminal.length, 1);
  assert.deepEqual(await readAgain(cluster, apis()[0]!, session, reader.turnId()), numbered(reader.events));
  const rows = await cluster.query<{ role: string; n: number }>(
    'select role, count(*)::int as n from ai.copilot_messages where session_id = $1 group by role order by role',
    [session],
  );
  assert.deepEqual(rows, [
    { role: 'assistant', n: 1 },
    { role: 'user', n: 1 },
  ]);
  const usage = await cluster.query<{ step: number }>(
    'select step from ai.copilot_usage where turn_id = $1 and not estimated order by step',
    [reader.turnId()],
  );
  assert.deepEqual(
    usage.map(({ step }) => step),
    upTo(usage.length),
    'each step is billed once',
  );
}

/** The numbered events of the turn's stream from its start, as a parser reads them that knows nothing of the client. */
async function readAgain(cluster: Cluster, api: ApiRole, session: string, turn: string): Promise<unknown[]> {
  const client = openStreamClient({
    port: Number(new URL(api.url).port),
    path: `/api/copilot/sessions/${session}/turns/${turn}/events`,
    headers: { Authorization: `Bearer ${cluster.key()}` },
  });
  await client.until((stream) => stream.ended());
  return numbered(client.events());
}

function numbered<Event extends Partial<Pick<WireEvent, 'seq'>>>(events: Event[]): Event[] {
  return events.filter(({ seq }) => seq !== undefined);
}
