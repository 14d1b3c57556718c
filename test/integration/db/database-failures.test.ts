/** Broken connections and interrupted migrations, adopted tables, and the sample project. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import type { Knex } from 'knex';
import { createKnex } from '../../../db/connection/knex.ts';
import { migrateDatabase, migrationsCurrent, rollbackDatabase } from '../../../db/schema/migrate.ts';
import { isConnectionError } from '../../../db/connection/pg-errors.ts';
import { createPool } from '../../../db/connection/pg-pool.ts';
import { seedSampleProject } from '../../../db/schema/seed.ts';
import { findWorkflow, toGraph } from '../../../db/graphs/graphs.ts';
import { checkGraph } from '../../../domain/rules/check-graph.ts';
import { createTestDatabase } from '../../support/api-database.ts';
import { silentLogger as logger } from '../../support/test-api.ts';
import { queryRows, untilBlocked } from '../../support/stored-workflows.ts';

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

test('connections that the server ends are replaced; a server that is away fails within seconds', async () => {
  const pool = createKnex({ databaseUrl: database.url, applicationName: 'test-pool', poolMax: 4 });
  await Promise.all([1, 2, 3, 4].map(() => pool.raw('select pg_sleep(0.05)')));
  await db.raw(
    `select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = 'test-pool'`,
  );
  // What was idle is thrown away when it is noticed; a statement that still met it says that the server went away.
  for (let n = 0; n < 8; n += 1) {
    await pool.raw('select 1').catch((error: unknown) => assert.ok(isConnectionError(error), String(error)));
  }
  await pool.raw('select 1');
  await pool.destroy();

  const away = createKnex({ databaseUrl: 'postgres://nobody@127.0.0.1:1/x', applicationName: 'test' });
  const before = Date.now();
  await assert.rejects((async () => away.raw('select 1'))(), (error) => isConnectionError(error));
  assert.ok(Date.now() - before < 4_000);
  await away.destroy();
});

test('a connection that the server ends while it is in use, between two queries, ends nothing else', async () => {
  const errors: unknown[] = [];
  const pool = createPool({ connectionString: database.url, max: 1 }, (error) => errors.push(error));
  const held = await pool.connect();
  const ended = new Promise((resolve) => held.once('end', resolve));
  const { rows } = await held.query<{ pid: number }>('select pg_backend_pid() as pid');
  await db.raw('select pg_terminate_backend(?)', [rows[0]!.pid]);
  // Without a listener of the pool's own, the process would end here.
  await ended;
  held.release();
  const next = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  assert.notEqual(next.rows[0]!.pid, rows[0]!.pid, 'the broken one has not come back');
  await pool.end();
  assert.deepEqual(errors, []);
});
test('a process that is killed in the middle of its migrations leaves nothing that stops the next one', async () => {
  const own = await createTestDatabase({ empty: true });
  const other = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 3 });
  const holder = await other.transaction();
  try {
    // The platform's table is held, so that the migrations stop half way.
    await other.raw(`create schema ai; create table ai.workflows (id uuid primary key, name text not null)`);
    await holder.raw('lock table ai.workflows in access exclusive mode');
    const child = spawn(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `const { migrateDatabase } = await import(${JSON.stringify(import.meta.resolve('../../../db/schema/migrate.ts'))});
         await migrateDatabase({ databaseUrl: ${JSON.stringify(own.url)}, logger: { info() {}, warn() {} } });`,
      ],
      { stdio: ['ignore', 'ignore', 'inherit'] },
    );
    const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(signal ?? code)));
    await untilBlocked(other, 1);
    child.kill('SIGKILL');
    assert.equal(await ended, 'SIGKILL');
    assert.deepEqual(await queryRows(other, 'select 1 from ai.copilot_migrations'), []);
    await holder.rollback();
    // What a migration that can't run in a transaction would have left.
    await other.raw('update ai.copilot_migrations_lock set is_locked = 1');
    await migrateDatabase({ databaseUrl: own.url, logger });
    assert.equal(await migrationsCurrent(other), true);
  } finally {
    if (!holder.isCompleted()) await holder.rollback();
    await other.destroy();
    await own.drop();
  }
});

test('an adopted table gets the columns it lacks and keeps its rows; one that is something else is named', async () => {
  const own = await createTestDatabase({ empty: true });
  const adopted = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 1 });
  try {
    await adopted.raw(`
      create schema ai;
      create table ai.agents (id uuid primary key, name text not null, model text);
      insert into ai.agents values ('11111111-1111-4111-8111-111111111111', 'Theirs', 'gpt-4o');
    `);
    await migrateDatabase({ databaseUrl: own.url, logger });
    const [agent] = await queryRows<Record<string, unknown>>(
      adopted,
      'select id, name, model, system_prompt, settings from ai.agents',
    );
    assert.deepEqual(agent, {
      id: '11111111-1111-4111-8111-111111111111',
      name: 'Theirs',
      model: 'gpt-4o',
      system_prompt: null,
      settings: {},
    });
    await rollbackDatabase({ databaseUrl: own.url });
    assert.equal((await queryRows(adopted, 'select 1 from ai.agents')).length, 1);

    await adopted.raw('drop schema ai cascade; create schema ai; create table ai.workflows (key text)');
    await assert.rejects(migrateDatabase({ databaseUrl: own.url, logger }), /ai\.workflows .* no column id/);
  } finally {
    await adopted.destroy();
    await own.drop();
  }
});

test('the sample workflows are without fault, and the shop has orders of last week', async () => {
  const own = await createTestDatabase();
  const shop = createKnex({ databaseUrl: own.url, applicationName: 'test', poolMax: 1 });
  try {
    const id = await seedSampleProject({ databaseUrl: own.url });
    assert.ok(id);
    const ids = await queryRows<{ id: string }>(shop, 'select id from ai.workflows');
    for (const workflow of ids) {
      const graph = toGraph((await findWorkflow(shop, workflow.id))!);
      const faults = checkGraph(graph).filter(({ problem }) => problem.severity === 'error');
      assert.deepEqual(faults, []);
    }
    const [facts] = await queryRows<Record<string, number | string>>(
      shop,
      `select
         (select count(*)::int from public.orders where ordered_at >= date_trunc('week', now()) - interval '7 days'
            and ordered_at < date_trunc('week', now())) as last_week,
         (select count(*)::int from public.orders o where total <> (
            select sum(quantity * unit_price) from public.order_items i where i.order_id = o.id)) as wrong_totals,
         (select count(*)::int from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace) as keys,
         (select config ->> 'url' from ai.workflow_blocks where name = 'Fetch Rates') as url`,
    );
    assert.ok(Number(facts!.last_week) > 0);
    assert.deepEqual(
      [facts!.wrong_totals, facts!.keys, facts!.url],
      [0, 2, 'https://rates.example.com/latest?base=EUR'],
    );
  } finally {
    await shop.destroy();
    await own.drop();
  }
});
