/** Single calls are read out of a transcript whatever its texts hold, as if all of it had been read. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { createWorkflow } from '../../../db/graphs/graphs.ts';
import { createSession } from '../../../db/sessions/sessions.ts';
import { countEarlierCalls, findAskedCall, findPreviousResult } from '../../../db/turns/asked-calls.ts';
import { insertStartingTurn } from '../../../db/turns/turn.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startingTurn } from '../../support/starting-turn.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let sessionId: string;
let workflowId: string;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
  workflowId = (await createWorkflow(db, { name: 'Flow' })).id;
  sessionId = (await createSession(db, { workflowId, ownerSub: null }))!.id;
});
after(async () => {
  await db.destroy();
  await database.drop();
});

async function newTurn(): Promise<string> {
  const turn = startingTurn({ sessionId, workflowId });
  await insertStartingTurn(db, turn);
  return turn.id;
}

const insert = (turnId: string, key: string, step: number, position: number, role: string, body: object) =>
  db.raw(
    `insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, ?, ?, ?, ?, ?)
     on conflict (turn_id, key) do update set body = excluded.body`,
    [turnId, key, step, position, role, JSON.stringify(body)],
  );

const odd = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\0', '\\u0000', '\ud800', '\udfff', '\\ud800', '"', '\\', '{"a":"\\u0000"}'),
);

test('any answer: the call, its place and the names beside it', async () => {
  const turnId = await newTurn();
  await fc.assert(
    fc.asyncProperty(
      odd,
      fc.array(fc.record({ name: odd, arguments: odd }), { minLength: 1, maxLength: 4 }),
      fc.oneof(fc.constant(null), fc.jsonValue({ maxDepth: 3 })),
      fc.nat(3),
      async (content, made, opaque, nth) => {
        const toolCalls = made.map((call, index) => ({ callId: `c_${index}`, ...call }));
        const own = toolCalls[nth % toolCalls.length]!;
        await insert(turnId, 'step:1', 1, 0, 'assistant', { content, toolCalls, opaque });
        const found = await findAskedCall(db, { turnId, step: 1, callId: own.callId });
        assert.deepEqual([found!.sessionId, found!.workflowId], [sessionId, workflowId]);
        const names = (calls: { name: string }[]) => calls.map(({ name }) => name);
        assert.deepEqual(names(found!.calls), names(toolCalls));
        assert.deepEqual(
          found!.calls.find(({ callId }) => callId === own.callId),
          own,
        );
      },
    ),
    { numRuns: 300 },
  );
});

test('an answer that is not stored has no calls, and a turn that is gone has nothing', async () => {
  const found = await findAskedCall(db, { turnId: await newTurn(), step: 1, callId: 'c' });
  assert.deepEqual(found, { sessionId, workflowId, calls: [] });
  assert.equal(await findAskedCall(db, { turnId: randomUUID(), step: 1, callId: 'c' }), null);
});

test('earlier calls and the newest result of a tool are found by its exact name', async () => {
  const turnId = await newTurn();
  const results = [
    { step: 1, name: 'get_it', content: '"name":"get_that",' },
    { step: 2, name: 'get_it', content: '\0' },
    { step: 2, name: 'get_it_all', content: '' },
    { step: 3, name: 'get_it', content: 'too late' },
  ];
  for (const [index, { step, name, content }] of results.entries()) {
    const callId = `c_${index}`;
    await insert(turnId, `call:${callId}`, step, index, 'tool', { callId, name, content });
  }
  const at = (step: number, name: string) => ({ turnId, step, name });
  assert.equal(await countEarlierCalls(db, at(3, 'get_it')), 2);
  assert.equal(await countEarlierCalls(db, at(2, 'get_it')), 1);
  assert.equal(await countEarlierCalls(db, at(9, 'get_that')), 0);
  assert.equal(await countEarlierCalls(db, at(9, 'get%')), 0);
  const newest = await findPreviousResult(db, at(3, 'get_it'));
  assert.equal((JSON.parse(newest!) as { content: string }).content, '\0');
  assert.equal(await findPreviousResult(db, at(1, 'get_it')), null);
});
