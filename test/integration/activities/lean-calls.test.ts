/** A tool call reads the call at hand, however long the turn and however large its graph. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Knex } from 'knex';
import { createActivities } from '../../../activities/index.ts';
import type { ActivityDeps } from '../../../activities/deps.ts';
import { TOOLS } from '../../../activities/tools/index.ts';
import { createToolRegistry } from '../../../activities/tools/registry.ts';
import type { ToolRow } from '../../../activities/tools/tool.ts';
import type { RunToolInput, RunToolResult } from '../../../contracts/turn.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { createWorkflow } from '../../../db/graphs/graphs.ts';
import { createSession } from '../../../db/sessions/sessions.ts';
import { createTurnStore } from '../../../db/turns/turn-store.ts';
import { insertStartingTurn, promoteTurn } from '../../../db/turns/turn.ts';
import { createMetrics } from '../../../runtime/metrics/metrics.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { editDeps } from '../../support/edit-tool.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { silentLogger } from '../../support/test-api.ts';

type Activities = ReturnType<typeof createActivities>;

/** A tool of which a turn may make three calls. */
const look: ToolRow = {
  name: 'look',
  order: 'reading',
  status: 'Looking...',
  limits: { calls: { atMost: 3, noun: 'looks' } },
  create: () => ({
    description: 'Looks',
    input: z.object({}),
    run: () => Promise.resolve({ result: {}, isError: false }),
  }),
};
const STEPS = 20;
const LARGE = 50_000;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let activities: Activities;

/** What the calls of a test have sent to the database, and how many bytes of rows came back. */
const seen = { statements: [] as string[], bytes: 0 };

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
  db.on('query', ({ sql }: { sql: string }) => void seen.statements.push(sql.replace(/\s+/g, ' ')));
  db.on('query-response', (response: { rows?: unknown[] }) => {
    seen.bytes += JSON.stringify(response.rows ?? []).length;
  });
  activities = createActivities({
    store: createTurnStore(db),
    tools: createToolRegistry([...TOOLS, look], editDeps),
    logger: silentLogger,
    metrics: createMetrics({ runtime: false }),
  } as unknown as ActivityDeps);
});
after(async () => {
  await db.destroy();
  await database.drop();
});

const call = (callId: string, name: string, args: object) => ({
  callId,
  name,
  arguments: JSON.stringify(args),
});
const info = (callId: string) => call(callId, 'get_block_info', { block_types: ['agent'] });
const edit = (callId: string) => call(callId, 'modify_workflow', { remove_blocks: ['Nothing'] });

/** A turn of twenty long steps over a large graph, whose next step makes these calls. */
async function longTurn(calls: { callId: string; name: string; arguments: string }[]): Promise<string> {
  const workflow = await createWorkflow(db, { name: 'Flow' });
  const session = (await createSession(db, { workflowId: workflow.id, ownerSub: null }))!;
  const code = { language: 'python', code: `# ${'y'.repeat(LARGE)}\noutput = 1` };
  const block = { id: 'a', type: 'code', name: 'A', position: { x: 0, y: 0 }, config: code, enabled: true };
  const turnId = randomUUID();
  const graph = JSON.stringify({ blocks: [block], edges: [] });
  const place = { sessionId: session.id, workflowId: workflow.id };
  await insertStartingTurn(db, startingTurn(place, { id: turnId, message: 'Look around', graph }));
  await promoteTurn(db, turnId);
  const answer = (toolCalls: object[]) => ({
    content: 'c'.repeat(LARGE),
    toolCalls,
    opaque: { provider: 'p', model: 'm', items: ['o'.repeat(LARGE)] },
    finish: 'tool_calls',
    inputTokens: 1,
    outputTokens: 1,
  });
  const insert = (key: string, step: number, position: number, role: string, body: object) =>
    db.raw(
      'insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, ?, ?, ?, ?, ?)',
      [turnId, key, step, position, role, JSON.stringify(body)],
    );
  for (let step = 1; step <= STEPS; step++) {
    const callId = `old_${step}`;
    await insert(`step:${step}`, step, 0, 'assistant', answer([info(callId)]));
    const content = 'r'.repeat(LARGE);
    const body = { callId, name: 'get_block_info', content, isError: false, preview: '' };
    await insert(`call:${callId}`, step, 1, 'tool', body);
  }
  await insert(`step:${STEPS + 1}`, STEPS + 1, 0, 'assistant', answer(calls));
  return turnId;
}

async function runCall(turnId: string, callId: string, name: string) {
  seen.statements = [];
  seen.bytes = 0;
  const input: RunToolInput = { turnId, step: STEPS + 1, callId, name };
  return new MockActivityEnvironment().run<[RunToolInput], RunToolResult, Activities['runTool']>(
    (given) => activities.runTool(given),
    input,
  );
}

test('a reading call reads its own call and two ids, in a fixed number of statements', async () => {
  const other = call('large', 'get_block_info', { block_types: ['x'.repeat(LARGE)] });
  const turnId = await longTurn([other, info('own')]);
  const { isError } = await runCall(turnId, 'own', 'get_block_info');
  assert.equal(isError, false);
  // One to read the call; five to claim it and six to store its result, with their begin and commit.
  assert.equal(seen.statements.length, 12, seen.statements.join('\n'));
  assert.ok(seen.bytes < 2_000, `${seen.bytes} bytes`);
});

test('an edit reads the working graph besides, and a refused one the newest result of an edit', async () => {
  const turnId = await longTurn([edit('own')]);
  const { isError } = await runCall(turnId, 'own', 'modify_workflow');
  assert.equal(isError, true);
  assert.equal(seen.statements.length, 14, seen.statements.join('\n'));
  assert.ok(seen.bytes < LARGE + 2_000, `${seen.bytes} bytes`);
});

test('an edit that may hold a placeholder reads what the user typed besides', async () => {
  const turnId = await longTurn([
    call('own', 'modify_workflow', { update_blocks: [{ id: 'A', config: { code: 'output = "TODO"' } }] }),
  ]);
  await runCall(turnId, 'own', 'modify_workflow');
  assert.equal(seen.statements.filter((sql) => sql.includes('copilot_messages')).length, 1);
});

test('the second refusal for the same problems says so, and counts as the same result', async () => {
  const turnId = await longTurn([edit('first'), edit('second')]);
  await runCall(turnId, 'first', 'modify_workflow');
  const again = await runCall(turnId, 'second', 'modify_workflow');
  await db.raw("update ai.copilot_transcript set step = 3 where turn_id = ? and key = 'call:first'", [
    turnId,
  ]);
  await db.raw("delete from ai.copilot_transcript where turn_id = ? and key = 'call:second'", [turnId]);
  const later = await runCall(turnId, 'second', 'modify_workflow');
  assert.equal(later.resultHash, again.resultHash);
  const { rows } = await db.raw<{ rows: { body: string }[] }>(
    "select body from ai.copilot_transcript where turn_id = ? and key = 'call:second'",
    [turnId],
  );
  assert.match(rows[0]!.body, /These are the same problems as last time/);
});

test('a turn makes as many calls of a tool as its row allows, in one step or over several', async () => {
  const calls = Array.from({ length: 3 }, (_, n) => call(`q_${n}`, 'look', {}));
  const turnId = await longTurn(calls);
  const body = { callId: 'old', name: 'look', content: '{}', isError: false, preview: '' };
  await db.raw(
    "insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, 'call:old', 5, 2, 'tool', ?)",
    [turnId, JSON.stringify(body)],
  );
  const refused = [];
  for (const { callId } of calls) refused.push((await runCall(turnId, callId, 'look')).isError);
  assert.deepEqual(refused, [false, false, true]);
});
