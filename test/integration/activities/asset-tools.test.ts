/** The reading tools for assets and run logs, on a real Postgres. One file, because the tools read one sample project. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Knex } from 'knex';
import type { ToolRegistry } from '../../../activities/tools/registry.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { createProjectReader } from '../../../db/assets/project-reader.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { productTools } from '../../support/product-tools.ts';

const SECRET = 'sk-plantedplantedplanted';
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let tools: ToolRegistry;
let own: string;
let foreign: string;
let foreignRun: string;
let failedRun: string;

const insert = async (table: string, row: Record<string, unknown>): Promise<string> => {
  const [made] = await db.withSchema('ai').into(table).insert(row).returning<{ id: string }[]>('id');
  return made!.id;
};

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
  tools = productTools(['list_project_assets', 'get_asset_details', 'get_workflow_run_logs'], {
    project: createProjectReader(db),
  });
  own = await insert('workflows', { name: 'Own' });
  foreign = await insert('workflows', { name: 'Foreign', description: 'Not ours 50%' });
  const agent = await insert('agents', {
    name: 'Support',
    model: 'gpt-4.1',
    system_prompt: 'p'.repeat(1_500),
    settings: JSON.stringify({ temperature: 0.1, max_tokens: 100, apiKey: SECRET }),
  });
  await insert('agent_mcp_servers', {
    agent_id: agent,
    name: 'tools',
    url: `https://user:${SECRET}@mcp.test/x`,
    headers: JSON.stringify({ 'X-Anything': 'hush', Authorization: `Bearer ${SECRET}` }),
  });
  const kb = await insert('knowledge_bases', { name: 'Handbook', description: 'How we work' });
  const source = await insert('sources', {
    name: 'guide.pdf',
    file_type: 'pdf',
    extraction_status: 'completed',
  });
  await insert('agent_knowledge_bases', { agent_id: agent, knowledge_base_id: kb });
  await insert('indexed_sources', { knowledge_base_id: kb, source_id: source, index_status: 'indexed' });
  const team = await insert('orchestrations', { name: 'Team', strategy: 'supervisor' });
  await insert('orchestration_entities', {
    orchestration_id: team,
    entity_type: 'agent',
    entity_ref_id: agent,
    role_description: 'r',
  });
  await insert('workflow_blocks', {
    workflow_id: own,
    id: randomUUID(),
    type: 'webhook',
    name: 'Hook',
    config: JSON.stringify({ webhook_secret: 'hush', webhook_id: 'w' }),
  });
  await db.raw(
    `insert into ai.agents (name, model) select 'Agent ' || lpad(n::text, 4, '0'), 'gpt-4o' from generate_series(1, 130) n`,
  );
  for (const [workflow, status] of [
    [own, 'completed'],
    [own, 'failed'],
    [foreign, 'failed'],
  ] as const) {
    const run = await insert('workflow_executions', {
      workflow_id: workflow,
      status,
      started_at: new Date(),
      completed_at: new Date(),
      error: status === 'failed' ? `Boom with ${SECRET}` : null,
      input: JSON.stringify({ token: 'hush' }),
    });
    if (workflow === foreign) foreignRun = run;
    else if (status === 'failed') failedRun = run;
    for (const [order, name] of ['Load', 'Send'].entries())
      await insert('workflow_block_logs', {
        execution_id: run,
        block_id: randomUUID(),
        block_name: name,
        block_type: 'code',
        status: status === 'failed' && name === 'Send' ? 'error' : 'success',
        execution_order: order,
        error: name === 'Send' && status === 'failed' ? 'ConnectionRefused' : null,
        output: JSON.stringify({
          head: `H${'x'.repeat(20_000)}T`,
          rows: Array.from({ length: 500 }, (_, n) => ({ n })),
          deep: { token_count: 5 },
        }),
      });
  }
});
after(async () => {
  await db.destroy();
  await database.drop();
});

async function ask(name: string, args: Record<string, unknown>) {
  const outcome = await tools.run(name, args, {
    workflowId: own,
    signal: new AbortController().signal,
  } as ToolContext);
  const text = JSON.stringify(outcome.result);
  assert.ok(text.length <= 16_000, `${text.length} characters`);
  assert.ok(!text.includes('planted') && !text.includes('hush'), text);
  return {
    isError: outcome.isError,
    text,
    result: outcome.result as Record<string, never> & { code?: string },
  };
}
const withoutId = (item: { id: string }) =>
  Object.fromEntries(Object.entries(item).filter(([key]) => key !== 'id'));

interface Page {
  total: number;
  items: { id: string; name: string }[];
  next_cursor: string | null;
}

test('assets of all kinds, with counts and what matters of each', async () => {
  const { result } = await ask('list_project_assets', {});
  const pages = result as unknown as Record<string, Page>;
  assert.deepEqual(Object.keys(pages).sort(), [
    'agents',
    'knowledge_bases',
    'orchestrations',
    'sources',
    'workflows',
  ]);
  assert.deepEqual([pages.agents!.total, pages.agents!.items.length], [131, 50]);
  assert.deepEqual(pages.knowledge_bases!.items.map(withoutId), [
    { name: 'Handbook', description: 'How we work', sources: 1 },
  ]);
  assert.deepEqual(pages.sources!.items.map(withoutId), [
    { name: 'guide.pdf', file_type: 'pdf', extraction_status: 'completed' },
  ]);
  assert.deepEqual(pages.orchestrations!.items.map(withoutId), [
    { name: 'Team', description: null, strategy: 'supervisor', entities: 1 },
  ]);
  assert.deepEqual([pages.orchestrations!.next_cursor, pages.workflows!.total], [null, 2]);
});

test('pages follow one another without a gap, whatever is added before them', async () => {
  const names: string[] = [];
  let cursor: string | null = null;
  for (let page = 0; page === 0 || cursor !== null; page++) {
    const { result } = await ask(
      'list_project_assets',
      cursor === null ? { kinds: ['agents'], limit: 40 } : { cursor, limit: 40 },
    );
    const { items, next_cursor }: Page = (result as unknown as { agents: Page }).agents;
    names.push(...items.map((item) => item.name));
    cursor = next_cursor;
    if (page === 0) await insert('agents', { name: 'Aaa', model: 'gpt-4o' });
  }
  assert.equal(new Set(names).size, 131);
  assert.deepEqual(
    names,
    names.toSorted((a, b) => (a.toLowerCase() < b.toLowerCase() ? -1 : 1)),
  );
});

test('a search is a part of the name or the description, its wildcards are text', async () => {
  const found = async (search: string) => {
    const pages = (await ask('list_project_assets', { search })).result as unknown as Record<string, Page>;
    return Object.values(pages).flatMap((page) => page.items.map((item) => item.name));
  };
  assert.deepEqual(await found('SUPP'), ['Support']);
  assert.deepEqual(await found('how we'), ['Handbook']);
  assert.deepEqual(await found('50%'), ['Foreign']);
  assert.deepEqual(await found('%'), ['Foreign']);
  assert.equal((await ask('list_project_assets', { cursor: 'nonsense' })).result.code, 'invalid_cursor');
});

test('an asset in full by id or name, its prompt cut, its secrets hidden', async () => {
  const { result } = await ask('get_asset_details', { kind: 'agent', id: 'support' });
  const agent = result as unknown as Record<string, never>;
  assert.equal(agent.system_prompt, `${'p'.repeat(1_000)}... [truncated]`);
  assert.deepEqual(agent.settings, { temperature: 0.1, max_tokens: 100, apiKey: '[hidden]' });
  const [server] = agent.mcp_servers as unknown as { headers: object; url: string }[];
  assert.deepEqual(server!.headers, { 'X-Anything': '[hidden]', Authorization: '[hidden]' });
  assert.match(server!.url, /mcp\.test/);
  assert.equal(
    (await ask('get_asset_details', { kind: 'workflow', id: own })).text.includes(
      '"webhook_secret":"[hidden]"',
    ),
    true,
  );
  assert.match(
    (await ask('get_asset_details', { kind: 'knowledge_base', id: 'Handbook' })).text,
    /guide\.pdf/,
  );
  assert.match(
    (await ask('get_asset_details', { kind: 'orchestration', id: 'TEAM' })).text,
    /"name":"Support"/,
  );
  assert.match((await ask('get_asset_details', { kind: 'source', id: 'guide.pdf' })).text, /Handbook/);
  assert.match((await ask('get_asset_details', { kind: 'agent', id: 'Suport' })).text, /Nearest: Support/);
  await insert('agents', { name: 'support', model: 'gpt-4o' });
  assert.equal((await ask('get_asset_details', { kind: 'agent', id: 'Support' })).result.code, 'ambiguous');
});

test('what uses an asset is told with its details', async () => {
  const users = async (kind: string, id: string) => {
    const { result } = await ask('get_asset_details', { kind, id });
    return (result as unknown as { used_by: { id: string }[] }).used_by.map(withoutId);
  };
  const agent = await insert('agents', { name: 'Used', model: 'gpt-4o' });
  const kb = await insert('knowledge_bases', { name: 'Used too' });
  await db.raw(
    `insert into ai.workflow_blocks (workflow_id, id, type, name, config) values
       (?, gen_random_uuid(), 'agent', 'Asks', ?), (?, gen_random_uuid(), 'agent', 'Inline', ?)`,
    [own, JSON.stringify({ agent_id: agent }), own, JSON.stringify({ knowledge_bases: [{ id: kb }] })],
  );
  await insert('agent_knowledge_bases', { agent_id: agent, knowledge_base_id: kb });
  assert.deepEqual(await users('agent', 'USED'), [{ kind: 'workflow', name: 'Own', block: 'Asks' }]);
  assert.deepEqual(await users('knowledge_base', kb.toUpperCase()), [
    { kind: 'agent', name: 'Used' },
    { kind: 'workflow', name: 'Own', block: 'Inline' },
  ]);
  assert.deepEqual(await users('source', 'guide.pdf'), [
    { kind: 'knowledge_base', name: 'Handbook', index_status: 'indexed' },
  ]);
  const team = await insert('orchestrations', { name: 'Uses all', strategy: 'supervisor' });
  for (const [entity_type, entity_ref_id] of [
    ['workflow', foreign],
    ['agent', agent],
  ])
    await insert('orchestration_entities', { orchestration_id: team, entity_type, entity_ref_id });
  assert.deepEqual(await users('workflow', 'Foreign'), [{ kind: 'orchestration', name: 'Uses all' }]);
  assert.equal((await users('agent', 'Used')).length, 2);
  assert.deepEqual(await users('orchestration', 'Uses all'), []);
});

test('runs newest first, with error and failing block; of this workflow only', async () => {
  const { result } = await ask('get_workflow_run_logs', {});
  const { total, runs } = result as unknown as { total: number; runs: Record<string, unknown>[] };
  assert.deepEqual(
    [total, runs.map((run) => [run.status, run.failing_block, run.error])],
    [
      2,
      [
        ['failed', 'Send', 'Boom with [hidden]'],
        ['completed', undefined, undefined],
      ],
    ],
  );
  assert.equal(
    (await ask('get_workflow_run_logs', { status: 'pending' })).text.includes('No run of this workflow'),
    true,
  );
  const missing = await ask('get_workflow_run_logs', { execution_id: foreignRun });
  assert.equal(missing.result.code, 'not_found');
  for (const id of [randomUUID(), 'nope', '\0'])
    assert.equal((await ask('get_workflow_run_logs', { execution_id: id })).text, missing.text);
});

test('one run: its blocks in order, long payloads shortened inside', async () => {
  const { result } = await ask('get_workflow_run_logs', { execution_id: failedRun });
  const run = result as unknown as {
    blocks: {
      block: string;
      error?: string;
      output: { head: string; rows: unknown[]; deep: object };
    }[];
    truncated: boolean;
  };
  assert.deepEqual(
    run.blocks.map(({ block, error }) => [block, error]),
    [
      ['Load', undefined],
      ['Send', 'ConnectionRefused'],
    ],
  );
  const { head, rows, deep } = run.blocks[0]!.output;
  assert.match(head, /^Hx+\.\.\. \[\d+ characters left out\] \.\.\.x+T$/);
  assert.ok(rows.length > 1 && rows.some((row) => /left out/.test(String(row))));
  assert.deepEqual([deep, run.truncated], [{ token_count: 5 }, true]);
  const one = (await ask('get_workflow_run_logs', { execution_id: failedRun, block: 'send' }))
    .result as unknown as { blocks: unknown[] };
  assert.equal(one.blocks.length, 1);
});

test('one run in the form that a dry run takes: its input, and the outputs of blocks that succeeded', async () => {
  const { result } = await ask('get_workflow_run_logs', { execution_id: failedRun, for_try: true });
  const { input, outputs } = (result as unknown as { try: { input: object; outputs: object } }).try;
  assert.deepEqual([input, Object.keys(outputs)], [{ token: '[hidden]' }, ['Load']]);
});

test('one call shows the last failed run with its blocks, or one block in several runs', async () => {
  interface Run {
    execution_id: string;
    input?: object;
    blocks: { block: string; error?: string; output: object }[];
  }
  const runsOf = async (args: Record<string, unknown>) =>
    (await ask('get_workflow_run_logs', args)).result as unknown as {
      total: number;
      runs: Run[];
      hint?: string;
    };
  const last = await runsOf({ status: 'failed', limit: 1 });
  assert.deepEqual([last.total, last.runs.length, last.runs[0]!.execution_id], [1, 1, failedRun]);
  assert.deepEqual(last.runs[0]!.input, { token: '[hidden]' });
  assert.deepEqual(
    last.runs[0]!.blocks.map(({ block, error }) => [block, error]),
    [
      ['Load', undefined],
      ['Send', 'ConnectionRefused'],
    ],
  );
  const compared = await runsOf({ block: 'send' });
  assert.deepEqual(
    compared.runs.map(({ input, blocks }) => [input, blocks.map(({ block, error }) => [block, error])]),
    [
      [undefined, [['Send', 'ConnectionRefused']]],
      [undefined, [['Send', undefined]]],
    ],
  );
  assert.equal((await runsOf({ block: 'Nobody' })).hint, 'No block Nobody ran in these runs.');
  assert.deepEqual(await runsOf({ status: 'pending', limit: 1 }), {
    total: 0,
    runs: [],
    hint: 'No run of this workflow is pending.',
  });
});

test('any arguments are answered, never thrown', async () => {
  const keys = [
    'kinds',
    'search',
    'limit',
    'cursor',
    'kind',
    'id',
    'execution_id',
    'status',
    'block',
    'for_try',
  ];
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('agents', 'agent', 'workflow', own, failedRun, '\0', '\ud800', '%'),
    fc.array(fc.constantFrom('agents', 'sources', 'x')),
    fc.integer({ min: -1, max: 101 }),
  );
  for (const name of ['list_project_assets', 'get_asset_details', 'get_workflow_run_logs']) {
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...keys), value, { noNullPrototype: true }),
        async (args) => {
          const { isError, result } = await ask(name, args);
          assert.ok(
            !isError ||
              (typeof result.code === 'string' && typeof (result as { error?: unknown }).error === 'string'),
          );
        },
      ),
      { numRuns: 150 },
    );
  }
});
