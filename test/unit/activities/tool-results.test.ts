/**
 * What the other tools answer, each kind of answer in a data file. The project is a made-up one: the queries are tested in
 * test/integration/.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AssetDeps, Db } from '../../../activities/tools/assets/deps.ts';
import type { ToolContext, ToolDeps } from '../../../activities/tools/tool.ts';
import type { StoredAsset } from '../../../db/assets/project-assets.ts';
import type { Confirmation, Decision } from '../../../db/turns/confirmations.ts';
import { SqlRefusal } from '../../../db/sql-sandbox/sql-refusal.ts';
import { productTools } from '../../support/product-tools.ts';
import { assertKeptJson } from '../../support/kept-text.ts';

const ID = '5a3b1c00-0000-4000-8000-000000000201';
const RUN = {
  execution_id: '5a3b1c00-0000-4000-8000-000000000501',
  status: 'failed',
  started_at: '2026-11-24T07:00:00+00:00',
  completed_at: '2026-11-24T07:00:03+00:00',
  duration_ms: 3_000,
  error: 'Block "Convert" failed',
  failing_block: 'Convert',
};
const LOG = {
  block: 'Convert',
  type: 'code',
  block_id: '5a3b1c00-0000-4000-8000-000000000113',
  status: 'error',
  order: 3,
  duration_ms: 560,
  error: "KeyError: 'USD' (line 2)",
  input: { 'Fetch Rates': { output: { rates: { GBP: 0.86 } } } },
  output: null,
};
const AGENT = { id: ID, name: 'Support', model: 'gpt-4.1', system_prompt: 'Be kind.', settings: {} };
const orders = { name: 'orders', kind: 'table' as const, rows_estimate: 240 };
const columns = [{ name: 'id', type: 'integer', nullable: false }];

const project = {
  listAssets: async (kind: string) =>
    kind === 'agents'
      ? { total: 1, items: [{ id: ID, name: 'Support', model: 'gpt-4.1' }] }
      : { total: 0, items: [] },
  findIdsByName: async (_kind: string, name: string) => (name === 'Support' ? [ID] : []),
  findFullAsset: async () => AGENT,
  listNames: async () => ['Support'],
  listUsers: async () => [{ kind: 'workflow', id: ID, name: 'Order Triage', block: 'Summarise' }],
  countRuns: async () => ({ total: 3, orMore: false }),
  listRuns: async () => [RUN],
  listRunDetails: async () => [{ run: RUN, input: { order_id: 40 }, output: null, logs: [LOG] }],
  findRun: async () => null,
};
const sandbox = {
  query: async (sql: string) => {
    if (sql.includes('pg_sleep'))
      throw new SqlRefusal('function', 'The function pg_sleep does not run here.', 'Functions that run: ...');
    return {
      columns: [{ name: 'n', type: 'bigint', typeOid: 20 }],
      rows: [['240']],
      hasMore: false,
      notes: [],
    };
  },
  schema: async ({ search }: { search: string | null }) => ({
    readable: 3,
    unknown: [],
    closed: [],
    ...(search === 'ordr'
      ? { total: 0, tables: [], nearest: ['orders'] }
      : { total: 1, tables: [{ ...orders, columns }], nearest: [] }),
  }),
};
const stored: StoredAsset = { id: ID, name: 'Support', content: { name: 'Support', model: 'gpt-4.1' } };
const store = {
  findAsset: async () => stored,
  findAssetIdsByName: async (_db: Db, _kind: string, name: string) => (name === 'Support' ? [ID] : []),
  listAssetNames: async () => ['Support'],
  listDependents: async () => [],
  isModelInUse: async () => false,
  findMissingIds: async () => [],
};
const assets = {
  db: {},
  store,
  recordAct: async () => undefined,
  models: () => ['gpt-4.1', 'gpt-4o'],
  defaultModel: 'gpt-4o',
};
const tools = productTools(
  [
    'list_project_assets',
    'get_asset_details',
    'get_workflow_run_logs',
    'get_db_schema',
    'execute_public_sql',
    'manage_project_asset',
  ],
  { project, sandbox, assets: assets as unknown as AssetDeps } as unknown as ToolDeps,
);
const context = { workflowId: 'w', signal: new AbortController().signal } as ToolContext;

const CALLS: [file: string, tool: string, args: Record<string, unknown>][] = [
  ['list_project_assets', 'list_project_assets', { kinds: ['agents', 'sources'] }],
  ['list_project_assets.refused', 'list_project_assets', { cursor: 'x' }],
  ['get_asset_details', 'get_asset_details', { kind: 'agent', id: 'Support' }],
  ['get_asset_details.not_found', 'get_asset_details', { kind: 'agent', id: 'Suport' }],
  ['get_workflow_run_logs', 'get_workflow_run_logs', {}],
  ['get_workflow_run_logs.one', 'get_workflow_run_logs', { status: 'failed', limit: 1 }],
  ['get_workflow_run_logs.not_found', 'get_workflow_run_logs', { execution_id: ID }],
  ['get_db_schema', 'get_db_schema', {}],
  ['get_db_schema.no_hit', 'get_db_schema', { search: 'ordr' }],
  ['execute_public_sql', 'execute_public_sql', { sql: 'select count(*) as n from orders' }],
  ['execute_public_sql.refused', 'execute_public_sql', { sql: 'select pg_sleep(1)' }],
  ['invalid_arguments', 'execute_public_sql', { sql: 5 }],
  ['unknown_tool', 'made_up', {}],
];

for (const [file, name, args] of CALLS) {
  test(`the answer ${file} is that of its data file`, async () => {
    const { result } = await tools.run(name, args, context);
    assertKeptJson(`tool-results/${file}.json`, result);
  });
}

test('refusals of manage_project_asset are those of its data file', async () => {
  const refusals = [
    { action: 'create', kind: 'agent', data: { name: 'Support' } },
    { action: 'create', kind: 'agent', data: { name: 'New', model: 'gpt-4' } },
    { action: 'create', kind: 'agent', data: { name: 'New', setings: {} } },
    { action: 'update', kind: 'agent', id: 'Suport', data: { model: 'gpt-4o' } },
    { action: 'update', kind: 'agent', id: 'Support', data: { model: 'gpt-4.1' } },
    { action: 'delete', kind: 'agent' },
  ];
  const told = await Promise.all(
    refusals.map(async (args) => {
      const planned = await tools.plan('manage_project_asset', args, context);
      assert.ok('refusal' in planned, JSON.stringify(args));
      return planned.refusal.result;
    }),
  );
  assertKeptJson('tool-results/manage_project_asset.refused.json', told);
});

test('decided calls of manage_project_asset are answered by its data file', async () => {
  const decided = {
    change: { action: 'delete', kind: 'agent', id: ID },
    assetId: ID,
    fingerprint: 'of before',
  };
  const trx = { transaction: (work: (at: unknown) => unknown) => work(trx) };
  const perform = (decision: Decision, reason: string | null) =>
    tools.perform(
      'manage_project_asset',
      trx as unknown as Db,
      {
        ...decided,
        decision,
        reason,
      } as unknown as Confirmation & { decision: Decision },
    );
  assertKeptJson('tool-results/manage_project_asset.decided.json', [
    await perform('rejected', 'It is still needed.'),
    await perform('expired', null),
    await perform('approved', null),
  ]);
});
