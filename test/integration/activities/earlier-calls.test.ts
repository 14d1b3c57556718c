/**
 * What runTool stores is what its later calls count and compare. The queries match a stored body by the beginning of its
 * JSON text, so the bodies here come from runTool itself.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { z } from 'zod';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { Knex } from 'knex';
import type { ToolBody } from '../../../activities/conversation/transcript.ts';
import type { ActivityDeps } from '../../../activities/deps.ts';
import { createActivities } from '../../../activities/index.ts';
import { createToolRegistry, type ToolRegistry } from '../../../activities/tools/registry.ts';
import type { ToolRow } from '../../../activities/tools/tool.ts';
import type { RunToolInput, RunToolResult } from '../../../contracts/turn.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { createWorkflow } from '../../../db/graphs/graphs.ts';
import { createSession } from '../../../db/sessions/sessions.ts';
import type { SqlSandbox } from '../../../db/sql-sandbox/sql-sandbox.ts';
import { countEarlierCalls, findPreviousResult } from '../../../db/turns/asked-calls.ts';
import { createTurnStore } from '../../../db/turns/turn-store.ts';
import { insertStartingTurn, promoteTurn } from '../../../db/turns/turn.ts';
import { createMetrics } from '../../../runtime/metrics/metrics.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { editDeps } from '../../support/edit-tool.ts';
import { productTools } from '../../support/product-tools.ts';
import { startingTurn } from '../../support/starting-turn.ts';
import { silentLogger } from '../../support/test-api.ts';

/** Names that JSON, SQL or a pattern may change. A model can write any of them. */
const NAMES = [
  'look',
  'look"',
  'l\\ook',
  "look'",
  'läöß 界',
  '\u{1f600}',
  '\ud83d',
  'a\0b',
  '?',
  '%',
  'a\nb',
];
const SQL_CALLS = 8;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
});
after(async () => {
  await db.destroy();
  await database.drop();
});

const answering = (name: string): ToolRow => ({
  name,
  order: 'reading',
  status: 'Looking...',
  create: () => ({
    description: 'Looks',
    input: z.object({ at: z.number() }),
    run: ({ at }) => Promise.resolve({ result: { name, at }, isError: false }),
  }),
});

async function newTurn(message = 'Look around'): Promise<string> {
  const workflow = await createWorkflow(db, { name: 'Flow' });
  const session = (await createSession(db, { workflowId: workflow.id, ownerSub: null }))!;
  const turn = startingTurn({ sessionId: session.id, workflowId: workflow.id }, { message });
  await insertStartingTurn(db, turn);
  await promoteTurn(db, turn.id);
  return turn.id;
}

/** Stores an answer of the model with these calls. */
async function ask(turnId: string, step: number, toolCalls: object[]): Promise<void> {
  const body = {
    content: '',
    toolCalls,
    opaque: null,
    finish: 'tool_calls',
    inputTokens: 1,
    outputTokens: 1,
  };
  await db.raw(
    "insert into ai.copilot_transcript (turn_id, key, step, position, role, body) values (?, ?, ?, 0, 'assistant', ?)",
    [turnId, `step:${step}`, step, JSON.stringify(body)],
  );
}

function runner(tools: ToolRegistry): (input: RunToolInput) => Promise<RunToolResult> {
  const metrics = createMetrics({ runtime: false });
  const deps = { store: createTurnStore(db), tools, logger: silentLogger, metrics };
  const run: (input: RunToolInput) => Promise<RunToolResult> = (input) =>
    createActivities(deps as unknown as ActivityDeps).runTool(input);
  return (input) => new MockActivityEnvironment().run(run, input);
}

test('a stored result is found by the name of its tool, whatever the name', async () => {
  const run = runner(createToolRegistry(NAMES.map(answering), editDeps));
  const turnId = await newTurn();
  const callId = (step: number, index: number): string => `c_${step}_${index}`;
  for (const step of [1, 2]) {
    await ask(
      turnId,
      step,
      NAMES.map((name, index) => ({ callId: callId(step, index), name, arguments: `{"at":${step}}` })),
    );
    for (const [index, name] of NAMES.entries())
      assert.equal((await run({ turnId, step, callId: callId(step, index), name })).isError, false, name);
  }
  for (const name of NAMES) {
    const counts = [1, 2, 3].map((step) => countEarlierCalls(db, { turnId, step, name }));
    assert.deepEqual(await Promise.all(counts), [0, 1, 2], name);
    const newest = JSON.parse((await findPreviousResult(db, { turnId, step: 3, name }))!) as ToolBody;
    assert.deepEqual([newest.name, JSON.parse(newest.content)], [name, { name, at: 2 }]);
    assert.equal(await findPreviousResult(db, { turnId, step: 1, name }), null);
  }
});

test(`a turn runs ${SQL_CALLS} queries, over its steps and within one, and no more`, async () => {
  let queries = 0;
  const sandbox: SqlSandbox = {
    async query() {
      queries += 1;
      return { columns: [], rows: [], hasMore: false, notes: [] };
    },
    schema: () => Promise.reject(new Error('the test asks for no schema')),
    prepare: () => Promise.resolve(),
    survivors: () => ({ total: 0, alive: 0 }),
  };
  const run = runner(productTools(['execute_public_sql'], { sandbox }));
  const turnId = await newTurn();
  const refused: boolean[] = [];
  for (const step of [1, 2, 3, 4]) {
    const calls = [1, 2, 3].map((n) => ({
      callId: `q_${step}_${n}`,
      name: 'execute_public_sql',
      arguments: '{"sql":"select 1"}',
    }));
    await ask(turnId, step, calls);
    for (const { callId, name } of calls) refused.push((await run({ turnId, step, callId, name })).isError);
  }
  assert.deepEqual(
    refused,
    refused.map((_, index) => index >= SQL_CALLS),
  );
  assert.equal(queries, SQL_CALLS);
});

test('an edit is judged by what the user typed and by the graph with which the turn began', async () => {
  const run = runner(productTools(['modify_workflow'], editDeps));
  const turnId = await newTurn('Post to https://api.example.com');
  const config = (url: string) => ({ type: 'general_api', config: { url } });
  const edits = [
    {
      add_blocks: [
        { name: 'Typed', ...config('https://api.example.com/x') },
        { name: 'Made up', ...config('https://example.org') },
      ],
    },
    { update_blocks: [{ id: 'Typed', name: 'Post' }] },
  ];
  const told: string[][] = [];
  for (const [at, edit] of edits.entries()) {
    const [step, callId] = [at + 1, `edit_${at}`];
    const name = 'modify_workflow';
    await ask(turnId, step, [{ callId, name, arguments: JSON.stringify(edit) }]);
    await run({ turnId, step, callId, name });
    const stored = await findPreviousResult(db, { turnId, step: step + 1, name });
    const { warnings } = JSON.parse((JSON.parse(stored!) as ToolBody).content) as {
      warnings: { code: string; block?: string; was_there_before?: true }[];
    };
    told.push(
      warnings
        .filter(({ code }) => code === 'placeholder' || code === 'no_trigger')
        .map((found) => `${found.code} ${found.block ?? ''} ${found.was_there_before ?? 'new'}`)
        .sort(),
    );
  }
  assert.deepEqual(told, [
    ['no_trigger  new', 'placeholder Made up new'],
    ['no_trigger  true', 'placeholder Made up true'],
  ]);
});
