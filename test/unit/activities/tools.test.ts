/** The rows of the tools: what a reader, a turn and a model are told of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOOLS } from '../../../activities/tools/index.ts';
import { ANALYZING, THINKING } from '../../../domain/text/status-map.ts';
import { productTools } from '../../support/product-tools.ts';
import { traitsOf } from '../../../workflows/tool-traits.ts';

const names = TOOLS.map(({ name }) => name);
const tools = productTools(names, {});
const call = { callId: 'c', argumentsHash: '', preview: '' };

test('statuses are those of the API page', () => {
  assert.equal(THINKING, 'Thinking...');
  assert.equal(ANALYZING, 'Analyzing result...');
  const expected = {
    modify_workflow: 'Modifying workflow...',
    get_block_info: 'Looking up block details...',
    get_db_schema: 'Checking database schema...',
    list_project_assets: 'Discovering project assets...',
    get_asset_details: 'Fetching asset details...',
    execute_public_sql: 'Running SQL query...',
    get_workflow_run_logs: 'Reading execution logs...',
    manage_project_asset: 'Managing project asset...',
    toString: THINKING,
  };
  for (const [tool, status] of Object.entries(expected)) assert.equal(tools.status(tool), status);
});

test('a turn makes calls as their answer says, and otherwise as earlier releases did', () => {
  for (const name of names.slice(0, 8)) assert.deepEqual(traitsOf({ ...call, name }), tools.traits(name));
  const unknown = { order: 'reading', status: THINKING } as const;
  assert.deepEqual(traitsOf({ ...call, name: 'made_up' }), unknown);
  assert.equal(tools.traits('made_up'), null);
  const traits = { order: 'writing', status: 'Moving...' } as const;
  assert.deepEqual(traitsOf({ ...call, name: 'get_block_info', traits }), traits);
});

test('names are one of a kind and can be sent to every provider', () => {
  assert.equal(new Set(names).size, names.length);
  for (const name of names) assert.match(name, /^[a-z_]{1,64}$/);
  assert.deepEqual(
    tools.definitions.map(({ name }) => name),
    names.toSorted(),
  );
});

test('a call of a tool that asks a person does nothing by itself, and others ask nobody', async () => {
  const confirmed = TOOLS.filter((row) => row.confirmed).map(({ name }) => name);
  assert.deepEqual(confirmed, ['manage_project_asset']);
  const context = { turnId: '', sessionId: '', workflowId: '', signal: new AbortController().signal };
  const { result } = await tools.run(
    'manage_project_asset',
    {},
    {
      ...context,
      workingGraph: () => Promise.reject(new Error('not needed')),
      userMessages: () => Promise.reject(new Error('not needed')),
    },
  );
  assert.equal((result as { code: string }).code, 'needs_confirmation');
  const planned = await tools.plan('get_block_info', {}, context);
  assert.ok('refusal' in planned && planned.refusal.isError);
});

test('the activity leaves a call the time that its row names', () => {
  for (const name of [...names, 'made_up']) assert.ok(tools.limits(name).ms <= 25_000, name);
});
