/** The reading tools on a large project, against the shortest query there is. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';

import { TOOLS } from '../activities/tools/index.ts';
import { createPythonChecker } from '../activities/tools/python-syntax.ts';
import { createToolRegistry } from '../activities/tools/registry.ts';
import type { ToolContext } from '../activities/tools/tool.ts';
import { recordAct } from '../db/audit/audit.ts';
import * as assetStore from '../db/assets/project-assets.ts';
import { createProjectReader } from '../db/assets/project-reader.ts';
import { createKnex } from '../db/connection/knex.ts';
import { migrateDatabase } from '../db/schema/migrate.ts';
import { createSqlSandbox } from '../db/sql-sandbox/sql-sandbox.ts';
import { DEFAULT_MODEL, MODELS } from '../models/models.ts';
import { createLogger } from '../runtime/logger.ts';
import type { BenchSystem } from './bench-system.ts';
import { measureEdits } from './edit-graph.ts';
import { percentile, printTable, round } from './stats.ts';

const RUNS = 40;
const logger = createLogger({ level: 'silent' });

/** 10,000 agents, 2,000 tables and workflows, 100,000 runs with five block logs each. */
async function fill(db: pg.Client): Promise<{ workflowId: string; executionId: string }> {
  await db.query(`
    insert into ai.workflows (id, name) select md5('w' || n)::uuid, 'Flow ' || n from generate_series(1, 2000) n;
    insert into ai.agents (name, model, system_prompt) select 'Agent ' || n, 'gpt-4o', repeat('p', 500) from generate_series(1, 10000) n;
    insert into ai.workflow_executions (id, workflow_id, status, started_at, completed_at, created_at)
      select md5('r' || n)::uuid, md5('w' || (1 + n % 2000))::uuid, case when n % 7 = 0 then 'failed' else 'completed' end,
        now() - n * interval '1 minute', now() - n * interval '1 minute', now() - n * interval '1 minute'
      from generate_series(1, 100000) n;
    insert into ai.workflow_block_logs (execution_id, block_id, block_name, block_type, status, execution_order, output)
      select md5('r' || n)::uuid, gen_random_uuid(), 'Block ' || k, 'code', 'success', k, jsonb_build_object('text', repeat('x', 300))
      from generate_series(1, 100000) n, generate_series(1, 5) k;
    do $$ begin for n in 1..2000 loop
      execute format('create table public.t_%s (id int primary key, name text, at timestamptz)', n); end loop; end $$;
    analyze;`);
  const { rows } = await db.query<{ id: string; workflow_id: string }>(
    'select id, workflow_id from ai.workflow_executions limit 1',
  );
  return { executionId: rows[0]!.id, workflowId: rows[0]!.workflow_id };
}

/** p50 and p95 of each tool. */
export async function benchTools(system: BenchSystem): Promise<void> {
  const name = `bench_${randomBytes(4).toString('hex')}`;
  const server = createKnex({ databaseUrl: system.ready.database_url, applicationName: 'bench', poolMax: 1 });
  const url = new URL(system.ready.database_url);
  url.pathname = `/${name}`;
  await server.raw('create database ??', [name]);
  const db = createKnex({ databaseUrl: url.href, applicationName: 'bench' });
  try {
    await migrateDatabase({ databaseUrl: url.href, logger });
    // A plain client: the product's own gives a statement up after some seconds.
    const filler = new pg.Client({ connectionString: url.href });
    await filler.connect();
    const { workflowId, executionId } = await fill(filler);
    await filler.end();
    const sandbox = createSqlSandbox({
      databaseUrl: url.href,
      config: { sqlDatabaseUrl: undefined, sqlMode: 'role' },
      logger,
    });
    const tools = createToolRegistry(TOOLS, {
      project: createProjectReader(db),
      sandbox,
      python: createPythonChecker(),
      catalogue: { models: MODELS },
      assets: { db, store: assetStore, recordAct, models: () => [], defaultModel: DEFAULT_MODEL },
    });
    await sandbox.prepare();
    const rows: string[][] = [];
    const add = (label: string, times: number[]): void =>
      void rows.push([label, round(percentile(times, 0.5)), round(percentile(times, 0.95))]);
    const context = { workflowId, signal: new AbortController().signal } as ToolContext;
    const calls: [string, string, Record<string, unknown>][] = [
      ['list_project_assets', 'list_project_assets', {}],
      ['list_project_assets with a search', 'list_project_assets', { search: 'agent 77' }],
      ['get_asset_details by name', 'get_asset_details', { kind: 'agent', id: 'Agent 5000' }],
      ['get_workflow_run_logs', 'get_workflow_run_logs', {}],
      ['get_workflow_run_logs of one run', 'get_workflow_run_logs', { execution_id: executionId }],
      ['get_db_schema, names', 'get_db_schema', {}],
      ['get_db_schema of three tables', 'get_db_schema', { tables: ['t_1', 't_1000', 't_2000'] }],
    ];
    for (const [label, tool, args] of calls) {
      const times = await measure(async () => {
        const outcome = await tools.run(tool, args, context);
        if (outcome.isError) throw new Error(JSON.stringify(outcome.result));
      });
      add(label, times);
    }
    add('`select 1` (floor)', await measure(() => db.raw('select 1')));
    const { edit, firstEdit, floor } = measureEdits();
    add('modify_workflow, 500 blocks, 1,000 edges', edit);
    add('copying that graph through JSON (floor)', floor);
    rows.push(['modify_workflow, first call of a process', round(firstEdit), '']);
    printTable('Tools: 10,000 agents, 2,000 tables, 100,000 runs', ['ms', 'p50', 'p95'], rows);
  } finally {
    await db.destroy();
    await server.raw('drop database ?? with (force)', [name]);
    await server.destroy();
  }
}

async function measure(work: () => unknown): Promise<number[]> {
  const times: number[] = [];
  for (let n = 0; n < RUNS; n++) {
    const startedAt = performance.now();
    await work();
    times.push(performance.now() - startedAt);
  }
  return times.sort((a, b) => a - b);
}
