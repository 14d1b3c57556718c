/**
 * The backup drill of docs/runbook.md: one of the two servers is restored to an older moment while the other one is ahead.
 * Turns end truthfully, and nothing is done twice.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, chat, newSession, type Reader, type WireEvent } from '../support/cluster-client.ts';
import { until, untilValue } from '../support/until.ts';

let cluster: Cluster;
let api: ApiRole;
let worker: Role;

before(async () => {
  cluster = await startCluster({
    // `Make A B` asks to create the agent A, then the agent B, and then says so.
    script({ message, toolResults }) {
      const name = message.split(' ').slice(1)[toolResults];
      if (name === undefined) return { text: ['Done.'] };
      const data = { name, model: 'gpt-4.1' };
      return {
        text: [`I make ${name}. `],
        toolCalls: [{ name: 'manage_project_asset', arguments: { action: 'create', kind: 'agent', data } }],
      };
    },
  });
  await startRoles();
});
after(() => cluster.stop());

async function startRoles(): Promise<void> {
  [api, worker] = await Promise.all([cluster.startApi(), cluster.startWorker()]);
}

/** The files of a server in the data folder. */
function filesOf(server: 'postgres' | 'temporal'): string[] {
  return readdirSync(cluster.folder)
    .filter((name) => (server === 'postgres' ? name === 'postgres' : name.startsWith('temporal.db')))
    .map((name) => join(cluster.folder, name));
}
/** Stops everything in order, does something with the files, and starts everything. */
async function whileStopped(work: () => void): Promise<void> {
  await Promise.all([api.kill('SIGTERM'), worker.kill('SIGTERM')]);
  await cluster.stack().kill('SIGTERM');
  work();
  await cluster.startStack();
  await startRoles();
}
const vault = (): string => join(cluster.folder, '..', 'backup');

async function backUp(): Promise<void> {
  await whileStopped(() => {
    rmSync(vault(), { recursive: true, force: true });
    execFileSync('mkdir', [vault()]);
    for (const server of ['postgres', 'temporal'] as const)
      execFileSync('cp', ['-a', ...filesOf(server), vault()]);
  });
}
async function restore(
  server: 'postgres' | 'temporal',
  beforeStart: () => Promise<void> = async () => undefined,
) {
  await Promise.all([api.kill('SIGTERM'), worker.kill('SIGTERM')]);
  await cluster.stack().kill('SIGTERM');
  for (const file of filesOf(server)) rmSync(file, { recursive: true });
  for (const name of readdirSync(vault()))
    if (server === 'postgres' ? name === 'postgres' : name.startsWith('temporal.db'))
      execFileSync('cp', ['-a', join(vault(), name), cluster.folder]);
  await cluster.startStack();
  await beforeStart();
  await startRoles();
}

/** What the runbook says to do after a restore of Postgres. */
async function terminateOpenTurns(): Promise<void> {
  const connection = await Connection.connect({ address: cluster.addresses().temporalAddress });
  try {
    const { workflow } = new Client({ connection });
    const open = workflow.list({ query: "WorkflowType = 'chatTurn' and ExecutionStatus = 'Running'" });
    for await (const { workflowId, runId } of open)
      await workflow.getHandle(workflowId, runId).terminate('Postgres was restored');
  } finally {
    await connection.close();
  }
}

interface Conversation {
  session: string;
  reader: Reader;
}
async function ask(message: string, session?: string): Promise<Conversation & { question: WireEvent }> {
  const id = session ?? (await newSession(cluster, api));
  const reader = chat(cluster, () => [api], id, { message });
  return {
    session: id,
    reader,
    question: await reader.until(({ event }) => event === 'confirmation_required', 60_000),
  };
}
const turnPath = ({ session, reader }: Conversation): string =>
  `/api/copilot/sessions/${session}/turns/${reader.turnId()}`;
async function decide(conversation: Conversation, question: WireEvent): Promise<number> {
  const path = `${turnPath(conversation)}/confirmations/${String(question.call_id)}`;
  return (await call(cluster, api, 'POST', path, { approved: true })).status;
}
async function statusOf(conversation: Conversation): Promise<unknown> {
  return (await call(cluster, api, 'GET', turnPath(conversation))).body.status;
}
async function untilStatus(conversation: Conversation, wanted: string): Promise<void> {
  await untilValue(
    `the turn is ${wanted}`,
    () => statusOf(conversation),
    (status) => status === wanted,
    { limitMs: 120_000, everyMs: 200 },
  );
}
async function agentsNamed(...names: string[]): Promise<string[]> {
  const rows = await cluster.query<{ name: string }>(
    'select name from ai.agents where name = any($1) order by name',
    [names],
  );
  return rows.map(({ name }) => name);
}
async function answerOf({ session }: Conversation): Promise<Record<string, unknown>> {
  const { body } = await call(cluster, api, 'GET', `/api/copilot/sessions/${session}/messages`);
  return (body.messages as Record<string, unknown>[]).at(-1)!;
}

test('Postgres is older: a turn that Temporal has ended ends as failed, and its change is neither there nor made again', async () => {
  const before = await ask('Make Ada');
  before.reader.stop();
  await backUp();
  assert.equal(await decide(before, before.question), 200);
  await untilStatus(before, 'complete');
  assert.deepEqual(await agentsNamed('Ada'), ['Ada']);
  const requests = cluster.fake.requests.length;

  await restore('postgres');
  assert.deepEqual(await agentsNamed('Ada'), []);
  await untilStatus(before, 'failed');
  assert.deepEqual(await agentsNamed('Ada'), []);
  assert.equal(await decide(before, before.question), 409);
  const { content, status } = await answerOf(before);
  assert.deepEqual([content, status], ['I make Ada. ', 'failed']);
  assert.equal(cluster.fake.requests.length, requests, 'no call was made again');

  const again = await ask('Make Ada', before.session);
  assert.equal(await decide(again, again.question), 200);
  assert.equal((await again.reader.end(60_000)).event, 'complete');
  assert.deepEqual(await agentsNamed('Ada'), ['Ada']);
});

test('Postgres is older: a turn that Temporal is ahead of is terminated, as the runbook says', async () => {
  const turn = await ask('Make Bea Cleo');
  turn.reader.stop();
  await backUp();
  assert.equal(await decide(turn, turn.question), 200);
  await until('the second question', async () => {
    const { body } = await call(cluster, api, 'GET', turnPath(turn));
    const pending = body.pending_confirmation as { call_id: string } | null;
    return pending !== null && pending.call_id !== turn.question.call_id;
  });
  assert.deepEqual(await agentsNamed('Bea', 'Cleo'), ['Bea']);

  await restore('postgres', terminateOpenTurns);
  await untilStatus(turn, 'failed');
  assert.deepEqual(await agentsNamed('Bea', 'Cleo'), []);
  assert.equal(await decide(turn, turn.question), 409);
  const again = await ask('Make Bea', turn.session);
  assert.equal(await decide(again, again.question), 200);
  assert.equal((await again.reader.end(60_000)).event, 'complete');
  assert.deepEqual(await agentsNamed('Bea', 'Cleo'), ['Bea']);
});

test('Temporal is older: a turn that has ended stays as it is, its session goes on, and an unknown turn ends as failed', async () => {
  const ended = await ask('Make Dora');
  ended.reader.stop();
  await backUp();
  assert.equal(await decide(ended, ended.question), 200);
  await untilStatus(ended, 'complete');
  const unknown = await ask('Make Emma');
  unknown.reader.stop();
  const answer = await answerOf(ended);
  const requests = cluster.fake.requests.length;

  await restore('temporal');
  await untilStatus(unknown, 'failed');
  assert.equal(await decide(unknown, unknown.question), 409);
  assert.equal(await statusOf(ended), 'complete');
  assert.deepEqual(await answerOf(ended), answer);
  assert.deepEqual(await agentsNamed('Dora', 'Emma'), ['Dora']);
  assert.equal(cluster.fake.requests.length, requests, 'no call was made again');

  // Its old workflow still waits for the answer to a question that was answered.
  const next = await ask('Make Fay', ended.session);
  assert.equal(await decide(next, next.question), 200);
  assert.equal((await next.reader.end(60_000)).event, 'complete');
  assert.deepEqual(await agentsNamed('Dora', 'Emma', 'Fay'), ['Dora', 'Fay']);
});
