/** The rows of a project: made before a case, read after it. */
import type { Knex } from 'knex';
import type { Graph } from '../../client/src/index.ts';
import type { AgentFixture, AssetState, RunFixture } from '../case.ts';
import { fixedId } from '../project/ids.ts';
import { ASSETS_SQL, CLEAR_SQL } from '../project/shop.ts';

/** Puts the project into its first state. */
export async function resetProject(db: Knex, moreAgents: readonly AgentFixture[]): Promise<void> {
  await db.transaction(async (trx) => {
    await trx.raw(CLEAR_SQL);
    await trx.raw(ASSETS_SQL);
    for (const { id, name, model, systemPrompt } of moreAgents)
      await trx.raw(
        `insert into ai.agents (id, name, model, system_prompt, settings, created_at, updated_at)
         values (?, ?, ?, ?, '{}', '2026-03-02T09:00:00Z', '2026-03-02T09:00:00Z')`,
        [id, name, model, systemPrompt],
      );
  });
}

/** Writes the runs of a workflow. A block takes 120 ms. */
export async function writeRuns(
  db: Knex,
  workflowId: string,
  graph: Graph,
  runs: readonly RunFixture[],
): Promise<void> {
  const text = (value: object | undefined): string | null =>
    value === undefined ? null : JSON.stringify(value);
  for (const run of runs) {
    const id = fixedId(`run/${run.at}`);
    await db.raw(
      `insert into ai.workflow_executions (id, workflow_id, status, input, output, error, started_at, completed_at, created_at)
       values (?, ?, ?, ?, ?, ?, ?::timestamptz, ?::timestamptz + interval '3 seconds', ?)`,
      [
        id,
        workflowId,
        run.status,
        text(run.input),
        text(run.output),
        run.error ?? null,
        run.at,
        run.at,
        run.at,
      ],
    );
    for (const [order, { name, status, input, output, error }] of run.blocks.entries()) {
      const block = graph.blocks.find((other) => other.name === name);
      if (!block) throw new Error(`a run of the case names the block ${name}, which its graph has not`);
      await db.raw(
        `insert into ai.workflow_block_logs (id, execution_id, block_id, block_type, block_name, status,
           execution_order, duration_ms, input, output, error, config_snapshot, created_at)
         values (?, ?, ?, ?, ?, ?, ?, 120, ?, ?, ?, ?, ?)`,
        [
          fixedId(`log/${run.at}/${name}`),
          id,
          block.id,
          block.type,
          name,
          status,
          order + 1,
          text(input ?? {}),
          text(output),
          error ?? null,
          JSON.stringify(block.config),
          run.at,
        ],
      );
    }
  }
}

/** The assets of the project, each kind by name. */
export async function readAssets(db: Knex): Promise<AssetState> {
  const { rows } = await db.raw<{ rows: { state: AssetState }[] }>(`
    select json_build_object(
      'agents', (select coalesce(json_agg(json_build_object('id', a.id, 'name', a.name, 'model', a.model,
          'systemPrompt', a.system_prompt, 'settings', coalesce(a.settings, '{}'),
          'knowledgeBases', (select coalesce(json_agg(k.name order by k.name), '[]')
            from ai.agent_knowledge_bases l join ai.knowledge_bases k on k.id = l.knowledge_base_id
            where l.agent_id = a.id)) order by a.name), '[]') from ai.agents a),
      'knowledgeBases', (select coalesce(json_agg(json_build_object('id', k.id, 'name', k.name,
          'description', k.description, 'sources', (select coalesce(json_agg(s.name order by s.name), '[]')
            from ai.indexed_sources i join ai.sources s on s.id = i.source_id
            where i.knowledge_base_id = k.id)) order by k.name), '[]') from ai.knowledge_bases k),
      'orchestrations', (select coalesce(json_agg(json_build_object('id', o.id, 'name', o.name,
          'strategy', o.strategy, 'members', (select coalesce(json_agg(a.name order by a.name), '[]')
            from ai.orchestration_entities e join ai.agents a on a.id = e.entity_ref_id
            where e.orchestration_id = o.id)) order by o.name), '[]') from ai.orchestrations o),
      'workflows', (select coalesce(json_agg(json_build_object('id', w.id, 'name', w.name) order by w.name), '[]')
        from ai.workflows w)) as state`);
  return rows[0]!.state;
}
