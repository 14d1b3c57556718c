/** manage_project_asset and modify_workflow take any arguments: an answer or a question, never a throw, never an effect. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import type { Knex } from 'knex';
import { type AssetActions, createAssetActions } from '../../../activities/tools/assets/asset-actions.ts';
import type { AssetDeps } from '../../../activities/tools/assets/deps.ts';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { createKnex } from '../../../db/connection/knex.ts';
import { recordAct } from '../../../db/audit/audit.ts';
import * as store from '../../../db/assets/project-assets.ts';
import { createProjectReader } from '../../../db/assets/project-reader.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { anyEdit, anyJsonEdit, anyObject, graph, referringEdit } from '../../support/graph-builders.ts';
import { productTools } from '../../support/product-tools.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Knex;
let assetDeps: AssetDeps;
let assets: AssetActions;
let agentId: string;

before(async () => {
  database = await createTestDatabase();
  db = createKnex({ databaseUrl: database.url, applicationName: 'test', poolMax: 4 });
  assetDeps = { db, store, recordAct, models: () => ['gpt-4o'], defaultModel: 'gpt-4o' };
  assets = createAssetActions(assetDeps);
  const [agent] = await db
    .withSchema('ai')
    .into('agents')
    .insert({ name: 'Known', model: 'gpt-4o' })
    .returning<{ id: string }[]>('id');
  agentId = agent!.id;
});
after(async () => {
  await db.destroy();
  await database.drop();
});

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\0', '\ud800', '', null),
);

test('manage_project_asset: any arguments are refused with a reason or become a question, and nothing changes', async () => {
  const data = fc.dictionary(
    fc.constantFrom(
      'name',
      'model',
      'system_prompt',
      'settings',
      'knowledge_bases',
      'description',
      'sources',
      'entities',
      'strategy',
      'x',
      '__proto__',
    ),
    fc.oneof(
      odd,
      anyObject,
      fc.constantFrom('Known', 'New', 'gpt-4o'),
      fc.array(fc.constantFrom(agentId ?? 'x', 'nope')),
      fc.constant([{ entity_type: 'agent', entity_ref_id: 'x' }]),
    ),
    { noNullPrototype: true },
  );
  const plain = fc.record(
    {
      name: fc.constantFrom('New', 'Known', ' Other '),
      description: fc.constantFrom('d', null),
      settings: anyObject,
    },
    { requiredKeys: ['name'], noNullPrototype: true },
  );
  const args = fc.oneof(
    fc.record(
      {
        action: fc.constantFrom('create', 'update', 'delete'),
        kind: fc.constantFrom('agent', 'knowledge_base', 'orchestration', 'workflow'),
        id: fc.oneof(fc.constantFrom('Known', agentId ?? 'x', 'nobody'), fc.string({ unit: 'binary' })),
        data: fc.oneof(data, plain),
      },
      { requiredKeys: ['action', 'kind'], noNullPrototype: true },
    ),
    fc.dictionary(fc.constantFrom('action', 'kind', 'id', 'data', 'approved'), odd, {
      noNullPrototype: true,
    }),
  );
  const count = async () =>
    (
      await db.raw<{ rows: { n: string }[] }>(
        `select md5(string_agg(a::text, '' order by a.id)) as n from ai.agents a`,
      )
    ).rows[0]!.n;
  const before = await count();
  for (const kind of ['agent', 'knowledge_base', 'orchestration', 'workflow']) {
    const planned = await assets.plan(
      { action: 'create', kind, data: { name: 'New' } },
      { workflowId: agentId },
    );
    assert.ok('question' in planned, `a new ${kind} is asked for`);
  }
  await fc.assert(
    fc.asyncProperty(args, async (input) => {
      const planned = await assets.plan(input, { workflowId: agentId });
      if ('question' in planned) {
        JSON.stringify(planned.question);
        return;
      }
      const { error, code } = planned.refusal.result as { error: string; code: string };
      assert.ok(planned.refusal.isError && error !== '' && code !== '');
    }),
    { numRuns: 1_500 },
  );
  assert.equal(await count(), before);
  assert.equal(({} as Record<string, unknown>).polluted, undefined);
});

/** The question of a call that must be one. */
async function ask(args: Record<string, unknown>) {
  const planned = await assets.plan(args, { workflowId: agentId });
  assert.ok('question' in planned, JSON.stringify(planned));
  return planned.question;
}

async function refusalOf(args: Record<string, unknown>): Promise<string> {
  const planned = await assets.plan(args, { workflowId: agentId });
  assert.ok('refusal' in planned, 'the call is refused');
  return (planned.refusal.result as { error: string }).error;
}

const UNSEEN = /[[\p{C}\p{Default_Ignorable_Code_Point}\p{White_Space}\u2800]--[ \t\n]]/v;

test('a question spells out every character that can not be seen, and a name may have none', async () => {
  for (const char of ['\u{E0041}', '\uFE0F', '\u3164', '\u2800', '\u202E', '\u00A0', '\r']) {
    const question = await ask({
      action: 'create',
      kind: 'agent',
      data: { name: 'Seen', system_prompt: `Be kind.${char}Not.`, settings: { [`k${char}`]: char } },
    });
    const texts: string[] = [];
    JSON.stringify(question, (key, value: unknown) => {
      if (key === 'change') return undefined;
      texts.push(key, typeof value === 'string' ? value : '');
      return value;
    });
    for (const text of texts) assert.ok(!UNSEEN.test(text), JSON.stringify(text));
    assert.match(
      await refusalOf({ action: 'create', kind: 'agent', data: { name: `Sup${char}port` } }),
      /data\.name: .*(U\+[0-9A-F]{4,5}|one line)/,
    );
  }
});

test('a call that would set what the question hides is refused, whatever the value is', async () => {
  const settings = [
    { credentials: { endpoint: 'https://evil.test' } },
    { credentials: { retries: 3 } },
    { auth: [{ 'api-key': ['plain'] }] },
    { note: `Bearer ${'aB3'.repeat(10)}` },
    { [`sk-${'aB3'.repeat(10)}`]: true },
    { password: '[hidden]' },
  ];
  for (const value of settings) {
    for (const call of [
      { action: 'create', data: { name: 'Hiding', settings: value } },
      { action: 'update', id: agentId, data: { settings: value } },
    ])
      assert.match(await refusalOf({ kind: 'agent', ...call }), /data\.settings.*(secret|hidden)/);
  }
  const shown = { credentials: { enabled: true, from: '<Start.output.key>' }, retries: 3 };
  const { after: asset } = await ask({
    action: 'create',
    kind: 'agent',
    data: { name: 'Showing', settings: shown },
  });
  assert.deepEqual((asset as { settings: unknown }).settings, shown);
});

test('modify_workflow: any arguments are answered', async () => {
  const tools = productTools(['modify_workflow'], {
    python: createPythonChecker(),
    project: createProjectReader(db),
    assets: assetDeps,
  });
  const context = {
    signal: new AbortController().signal,
    workingGraph: () =>
      Promise.resolve({
        text: JSON.stringify(graph([])),
        aliases: new Map<string, string>(),
        turnStart: null,
      }),
    userMessages: () => Promise.resolve([]),
  } as unknown as ToolContext;
  await fc.assert(
    fc.asyncProperty(fc.oneof(anyEdit, referringEdit, anyJsonEdit), async (edit) => {
      if (typeof edit !== 'object' || edit === null || Array.isArray(edit)) return;
      const { result, isError } = await tools.run(
        'modify_workflow',
        edit as Record<string, unknown>,
        context,
      );
      assert.equal((result as { applied?: boolean }).applied ?? !isError, !isError);
      assert.ok(JSON.stringify(result).length <= 16_000);
    }),
    { numRuns: 600 },
  );
});
