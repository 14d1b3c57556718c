/** Requests that meet each other in the database: each has one outcome, and no row is lost or doubled. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { createSession, deleteSession } from '../../../db/sessions/sessions.ts';
import { applySnapshot } from '../../../db/sessions/snapshots.ts';
import { endTurn } from '../../../db/turns/end-turn.ts';
import { insertStartingTurn } from '../../../db/turns/turn.ts';
import { findWorkflow, toGraph } from '../../../db/graphs/graphs.ts';
import { replaceGraph } from '../../../db/graphs/replace-graph.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { insertSession, insertTurn, signToken, startTestApi, TESTER } from '../../support/test-api.ts';
import {
  canvasOf,
  newMessage,
  newWorkflow,
  queryRows,
  storedBlock,
  untilBlocked,
} from '../../support/stored-workflows.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test' });
});
after(async () => {
  await db.destroy();
  await database.drop();
});

test('an idempotency key makes one turn however many use it at once', async () => {
  const session = await insertSession(db);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => insertStartingTurn(db, startingTurn(session, { idempotencyKey: 'key' }))),
  );
  assert.equal(new Set(answers.map((answer) => answer?.turn.id)).size, 1);
  assert.equal(answers.filter((answer) => answer?.created).length, 1);
});

test('a workflow or session that is deleted while something is put into it is simply not there', async () => {
  const workflow = await newWorkflow(db, { blocks: [], edges: [] });
  const session = await insertSession(db);
  const message = await newMessage(db, (await newWorkflow(db, { blocks: [], edges: [] })).id, null);
  const trx = await db.transaction();
  await trx.raw('delete from ai.workflows where id = ?', [workflow.id]);
  await trx.raw('delete from ai.copilot_sessions where id = any(?::uuid[])', [
    [session.sessionId, message.sessionId],
  ]);
  const answers = Promise.all([
    createSession(db, { workflowId: workflow.id, ownerSub: null }),
    insertStartingTurn(db, startingTurn(session)),
    applySnapshot(db, message, canvasOf({ blocks: [], edges: [] }), () => ({})),
  ]);
  await untilBlocked(db, 3);
  await trx.commit();
  assert.deepEqual(await answers, [null, null, null]);
});

test('deleting a session outlives a turn that ends at the same moment and locks in the other order', async () => {
  const session = await insertSession(db);
  const turnId = await insertTurn(db, session);
  const turn = await db.transaction();
  await turn.raw('select 1 from ai.copilot_turns where id = ? for update', [turnId]);
  const deleted = deleteSession(db, session.sessionId, TESTER);
  await untilBlocked(db, 1);
  // endTurn's next statement, which needs the session that the delete holds: Postgres ends one of the two.
  const ending = turn
    .raw(
      `insert into ai.copilot_messages (id, session_id, role, content) values (gen_random_uuid(), ?, 'assistant', '')`,
      [session.sessionId],
    )
    .then(
      () => turn.commit(),
      () => turn.rollback(),
    );
  await ending;
  assert.equal(await deleted, true);
  assert.deepEqual(await queryRows(db, 'select 1 from ai.copilot_turns where id = ?', [turnId]), []);
  await assert.rejects(
    endTurn(db, { turnId, steps: 1, outcome: { kind: 'complete', stopReason: 'done' }, diff: () => null }),
    { code: 'TURN_GONE' },
  );
});

test('a snapshot sent by several clients at once is applied once and answers all of them alike', async () => {
  const start = randomUUID();
  const workflow = await newWorkflow(db, {
    blocks: [storedBlock(start, 'starter', 'Start', { input: {} })],
    edges: [],
  });
  const target = await newMessage(db, workflow.id, {
    update_blocks: [{ id: 'Start', config: { input: { a: 'x' } } }],
  });
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      applySnapshot(db, target, canvasOf(toGraph(workflow)), ({ version, blocks }) => ({ version, blocks })),
    ),
  );
  assert.equal(new Set(answers.map((answer) => JSON.stringify(answer))).size, 1);
  const [saved] = answers as { version: number; blocks: Graph['blocks'] }[];
  assert.deepEqual([saved!.version, saved!.blocks[0]!.config], [workflow.version + 1, { input: { a: 'x' } }]);
  assert.equal((await findWorkflow(db, workflow.id))!.version, workflow.version + 1);
});

test('a reader never sees the blocks of one version with the edges of another', async () => {
  const [a, b, c] = [randomUUID(), randomUUID(), randomUUID()];
  const graphs: Graph[] = [
    {
      blocks: [storedBlock(a, 'starter', 'A'), storedBlock(b, 'code', 'B')],
      edges: [{ source: a, target: b }],
    },
    {
      blocks: [storedBlock(a, 'starter', 'A'), storedBlock(c, 'code', 'C')],
      edges: [{ source: a, target: c }],
    },
  ];
  const { id } = await newWorkflow(db, graphs[0]!);
  let writing = true;
  const writer = (async () => {
    for (let n = 1; n <= 60; n += 1) {
      await db.transaction(async (trx) =>
        replaceGraph(trx, (await findWorkflow(trx, id, true))!, graphs[n % 2]!),
      );
    }
    writing = false;
  })();
  while (writing) {
    const { blocks, edges } = (await findWorkflow(db, id))!;
    assert.deepEqual(
      edges.map(({ target }) => target),
      [blocks.find(({ type }) => type === 'code')!.id],
    );
  }
  await writer;
});

test('two saves with the same version: the second one finds it stale', async () => {
  const api = await startTestApi({ databaseUrl: database.url });
  try {
    const workflow = await newWorkflow(db, { blocks: [], edges: [] });
    const send = (method: string, path: string, body?: unknown) =>
      fetch(`${api.url}${path}`, {
        method,
        headers: { ...api.headers, 'Content-Type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
    const saves = await Promise.all(
      [1, 2, 3, 4].map(() =>
        send('PUT', `/api/workflows/${workflow.id}/graph`, {
          blocks: [],
          edges: [],
          version: workflow.version,
        }),
      ),
    );
    assert.deepEqual(
      saves.map(({ status }) => status).sort((a, b) => a - b),
      [200, 409, 409, 409],
    );

    // A user's token may use the platform endpoints like the service's.
    const anonymous = await fetch(`${api.url}/api/workflows`);
    assert.equal(anonymous.status, 401);
    const user = await fetch(`${api.url}/api/workflows`, {
      headers: { Authorization: `Bearer ${await signToken({ role: 'authenticated', sub: 'ann' })}` },
    });
    assert.equal(user.status, 403, 'unless the configuration lets it in');
  } finally {
    await api.close();
  }
});
