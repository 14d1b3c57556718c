/** The whole product on the login of its least-privilege role: everything that writes a row does so here. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sandboxRole } from '../../../db/sql-sandbox/role.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

let system: TurnSystem;
before(async () => {
  system = await startTurnSystem();
});
after(() => system?.close());

test('API and worker are connected as the role, which owns nothing', async () => {
  const { rows } = await system.db.raw<{ rows: { usename: string }[] }>(
    `select distinct usename from pg_stat_activity
     where datname = current_database() and application_name in ('copilot-api', 'copilot-worker', 'copilot-event-log', 'copilot-streams')`,
  );
  assert.deepEqual(rows, [{ usename: 'copilot_test_app' }]);
});

test('chat, edit, SQL, assets, snapshot, revert, save, settings, bill, deletion', async () => {
  const { call } = system;
  await system.db.raw('create table public.orders (id int); insert into public.orders values (1), (2), (3)');
  const { rows } = await system.db.raw<{ rows: { name: string }[] }>('select current_database() as name');
  // The role of the SQL tool is named after the database. What `migrate --role` does for new tables:
  await system.db.raw('grant select on public.orders to ??', [
    sandboxRole(`postgres://any:any@host/${rows[0]!.name}`).name,
  ]);
  const results: Record<string, string> = {};
  const made = (): unknown => (JSON.parse(results.manage_project_asset!) as { id: unknown }).id;
  const asks = [
    () => ({
      name: 'modify_workflow',
      arguments: { add_blocks: [{ type: 'code', name: 'Made', config: { code: 'output = 1' } }] },
    }),
    () => ({ name: 'execute_public_sql', arguments: { sql: 'select count(*) as orders from orders' } }),
    () => ({ name: 'list_project_assets', arguments: { kind: 'agent' } }),
    () => ({
      name: 'manage_project_asset',
      arguments: { action: 'create', kind: 'agent', data: { name: 'Made', model: 'gpt-4.1' } },
    }),
    () => ({ name: 'manage_project_asset', arguments: { action: 'delete', kind: 'agent', id: made() } }),
  ];
  system.scripts.set('Do', (step) =>
    step < asks.length ? { text: [`${step} `], toolCalls: [asks[step]!()] } : { text: ['Done.'] },
  );
  const session = await system.newSession();
  const { end, names } = await system.chat(session, { message: 'Do all of it' }, async (event, turnId) => {
    if (event.event === 'tool_result') {
      assert.equal(event.is_error, false, JSON.stringify(event));
      results[String(event.name)] = String(event.result);
    }
    if (event.event !== 'confirmation_required') return;
    const path = `/api/copilot/sessions/${session.id}/turns/${turnId}/confirmations/${String(event.call_id)}`;
    assert.equal((await call('POST', path, { approved: true })).status, 200);
  });
  assert.equal(end.event, 'complete', JSON.stringify(end));
  assert.equal(names.filter((name) => name === 'confirmation_resolved').length, 2);
  assert.match(results.execute_public_sql!, /3/);

  const message = `/api/copilot/sessions/${session.id}/messages/${String(end.message_id)}`;
  for (const [method, path, body, expected] of [
    ['POST', `${message}/snapshot`, { pre_snapshot: { nodes: [], edges: [] } }, 200],
    ['POST', `${message}/revert`, undefined, 200],
    ['PUT', `/api/workflows/${session.workflowId}/graph`, { blocks: [], edges: [] }, 200],
    ['PUT', '/api/copilot/settings/model', { model: 'gpt-4.1' }, 200],
    ['GET', '/api/copilot/settings/model', undefined, 200],
    ['GET', '/api/copilot/usage', undefined, 200],
    ['GET', `/api/workflows/${session.workflowId}/sessions`, undefined, 200],
    ['GET', '/readyz', undefined, 200],
    ['DELETE', `/api/copilot/sessions/${session.id}`, undefined, 204],
  ] as const) {
    const answer = await call(method, path, body);
    assert.equal(answer.status, expected, `${method} ${path}: ${JSON.stringify(answer.body)}`);
  }
});
