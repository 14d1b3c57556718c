/** A question that is answered a hundred times at once, while whoever carries the answer is killed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, chat, newSession, seqs, upTo } from '../support/cluster-client.ts';
import { repeats } from '../support/repeats.ts';

// Three are an approval, another one and a rejection.
const ROUNDS = repeats({ test: 3, soak: 6 });
const DECISIONS = 100;
let cluster: Cluster;
let apis: ApiRole[];
let workers: Role[];

before(async () => {
  cluster = await startCluster({
    script: ({ message, toolResults }) =>
      toolResults === 0
        ? {
            toolCalls: [
              {
                name: 'manage_project_asset',
                arguments: { action: 'create', kind: 'agent', data: { name: message, model: 'gpt-4.1' } },
              },
            ],
          }
        : { text: ['Done.'] },
  });
  [...apis] = await Promise.all([cluster.startApi(), cluster.startApi()]);
  workers = await Promise.all([cluster.startWorker(), cluster.startWorker()]);
});
after(() => cluster.stop());

/** Sends a decision; what a killed API did with it nobody is told. */
async function decide(
  session: string,
  turnId: string,
  callId: string,
  approved: boolean,
  api: ApiRole,
): Promise<number | null> {
  try {
    const path = `/api/copilot/sessions/${session}/turns/${turnId}/confirmations/${callId}`;
    return (await call(cluster, api, 'POST', path, { approved })).status;
  } catch {
    return null;
  }
}

test(`${DECISIONS} concurrent approvals with processes killed at random, ${ROUNDS} times: one effect each`, async () => {
  for (const round of upTo(ROUNDS)) {
    const name = `Agent ${round}`;
    const session = await newSession(cluster, apis[0]!);
    const reader = chat(cluster, () => apis, session, { message: name });
    const question = await reader.until(({ event }) => event === 'confirmation_required');
    const callId = String(question.call_id);

    const pair = [...apis];
    const answers = upTo(DECISIONS).map((i) => decide(session, reader.turnId(), callId, true, pair[i % 2]!));
    await delay(Math.random() * 120);
    const victims = upTo(3).map(() => Math.random() < 0.7);
    const deaths: Promise<unknown>[] = [];
    if (victims[0])
      deaths.push(
        workers[0]!.kill('SIGKILL').then(async () => void (workers[0] = await cluster.startWorker())),
      );
    if (victims[1])
      deaths.push(
        workers[1]!.kill('SIGKILL').then(async () => void (workers[1] = await cluster.startWorker())),
      );
    if (victims[2])
      deaths.push(apis[0]!.kill('SIGKILL').then(async () => void (apis[0] = await cluster.startApi())));
    const statuses = await Promise.all(answers);
    await Promise.all(deaths);
    const label = `round ${round}, killed ${JSON.stringify(victims)}`;
    assert.ok(
      statuses.every((status) => status === 200 || status === null),
      `${label}: ${JSON.stringify(statuses)}`,
    );
    assert.ok(statuses.includes(200), label);
    const end = await reader.end(60_000);
    assert.equal(end.event, 'complete', label);
    assert.deepEqual(seqs(reader.events), upTo(Number(end.seq)), label);
    for (const event of ['confirmation_required', 'confirmation_resolved', 'tool_result'])
      assert.equal(reader.events.filter((seen) => seen.event === event).length, 1, `${label}: ${event}`);
    const result = JSON.parse(String(reader.events.find(({ event }) => event === 'tool_result')!.result)) as {
      status: string;
      id: string;
    };
    const agents = await cluster.query<{ id: string }>('select id from ai.agents where name = $1', [name]);
    assert.deepEqual([result.status, agents], ['created', [{ id: result.id }]], label);
  }
});

test('killed at any point between the decision and the end: the effect of an approval once, of a rejection never', async () => {
  for (const round of upTo(ROUNDS)) {
    const approved = round % 3 !== 0;
    const name = `Other ${round}`;
    const session = await newSession(cluster, apis[0]!);
    const reader = chat(cluster, () => apis, session, { message: name });
    const question = await reader.until(({ event }) => event === 'confirmation_required');
    const answer = decide(session, reader.turnId(), String(question.call_id), approved, apis[0]!);
    // The decision takes some milliseconds, the effect some more.
    await delay(round * 4);
    await cluster.killAll(false);
    await cluster.startStack();
    [apis, workers] = [[await cluster.startApi()], [await cluster.startWorker()]];
    const label = `round ${round}`;
    // Nobody was told what became of the request: the person asks again.
    if ((await answer) === null) {
      const again = await decide(session, reader.turnId(), String(question.call_id), approved, apis[0]!);
      assert.equal(again, 200, label);
    }
    assert.equal((await reader.end(60_000)).event, 'complete', label);
    const resolved = reader.events.filter(({ event }) => event === 'confirmation_resolved');
    assert.deepEqual(
      resolved.map(({ decision }) => decision),
      [approved ? 'approved' : 'rejected'],
      label,
    );
    const agents = await cluster.query('select id from ai.agents where name = $1', [name]);
    assert.equal(agents.length, approved ? 1 : 0, label);
  }
});
