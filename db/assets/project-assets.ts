/**
 * Reads and changes the project's assets for manage_project_asset. An asset's content is what a person confirms: its
 * editable columns and its links. The caller runs each change in a transaction. One file, because content that is read
 * and content that is written must name the same columns and links.
 */
import type { Knex } from 'knex';
import type { AssetKind } from '../../contracts/assets.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export interface StoredAsset {
  id: string;
  name: string;
  content: JsonObject;
}

const TABLE: Readonly<Record<AssetKind, string>> = {
  agent: 'agents',
  knowledge_base: 'knowledge_bases',
  orchestration: 'orchestrations',
  workflow: 'workflows',
};

// Links are sorted, so that equal content is equal JSON text and has an equal hash.
const CONTENT: Readonly<Record<AssetKind, string>> = {
  agent: `jsonb_build_object('id', a.id, 'name', a.name, 'model', a.model, 'system_prompt', a.system_prompt,
    'settings', coalesce(a.settings, '{}'), 'knowledge_bases', coalesce((
      select jsonb_agg(l.knowledge_base_id order by l.knowledge_base_id)
      from ai.agent_knowledge_bases l where l.agent_id = a.id), '[]'))`,
  knowledge_base: `jsonb_build_object('id', a.id, 'name', a.name, 'description', a.description,
    'indexing_config', coalesce(a.indexing_config, '{}'), 'retrieval_config', coalesce(a.retrieval_config, '{}'),
    'sources', coalesce((
      select jsonb_agg(distinct l.source_id order by l.source_id)
      from ai.indexed_sources l where l.knowledge_base_id = a.id), '[]'))`,
  orchestration: `jsonb_build_object('id', a.id, 'name', a.name, 'description', a.description,
    'strategy', a.strategy, 'entities', coalesce((
      select jsonb_agg(jsonb_build_object('entity_type', e.entity_type, 'entity_ref_id', e.entity_ref_id,
        'role_description', e.role_description) order by e.position, e.created_at, e.id)
      from ai.orchestration_entities e where e.orchestration_id = a.id), '[]'))`,
  workflow: `jsonb_build_object('id', a.id, 'name', a.name, 'description', a.description,
    'version', coalesce(a.version, 1), 'state', a.state)`,
};

/** An asset by id, or null. With `lock`, its row stays locked until the transaction ends. */
export async function findAsset(
  db: Knex,
  kind: AssetKind,
  id: string,
  lock = false,
): Promise<StoredAsset | null> {
  // Two statements: the second one begins after the lock is held, so it sees what the previous holder wrote.
  if (lock) await db.raw(`select 1 from ai.${TABLE[kind]} where id = ? for update`, [id]);
  const rows = await rowsOf<StoredAsset>(
    db,
    `select a.id, a.name, ${CONTENT[kind]} as content from ai.${TABLE[kind]} a where a.id = ?`,
    [id],
  );
  return rows[0] ?? null;
}

/** Ids of the assets of a kind with this name, ignoring case; two at most. */
export async function findAssetIdsByName(db: Knex, kind: AssetKind, name: string): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    db,
    `select id from ai.${TABLE[kind]} where lower(name) = lower(?) order by id limit 2`,
    [name],
  );
  return rows.map((row) => row.id);
}

/** The first `limit` names of a kind, in alphabetical order. */
export async function listAssetNames(db: Knex, kind: AssetKind, limit: number): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    db,
    `select name from ai.${TABLE[kind]} order by name limit ?`,
    [limit],
  );
  return rows.map((row) => row.name);
}

/** Locks a name of a kind until the transaction ends, so that two transactions can't both take it. */
export async function lockAssetName(trx: Knex, kind: AssetKind, name: string): Promise<void> {
  await trx.raw('select pg_advisory_xact_lock(hashtextextended(?, 0))', [
    `copilot asset ${kind} ${name.toLowerCase()}`,
  ]);
}

/** Those of `ids` that no row of the kind has. The tool can't change a `source`, but other assets refer to sources. */
export async function findMissingIds(
  db: Knex,
  kind: AssetKind | 'source',
  ids: readonly string[],
): Promise<string[]> {
  if (ids.length === 0) return [];
  const table = kind === 'source' ? 'sources' : TABLE[kind];
  const rows = await rowsOf<{ id: string }>(
    db,
    `select w.id::text as id from unnest(?::uuid[]) as w (id) where not exists (select 1 from ai.${table} a where a.id = w.id)`,
    [ids],
  );
  return rows.map((row) => row.id);
}

/** Whether an agent of the project uses this model. */
export async function isModelInUse(db: Knex, model: string): Promise<boolean> {
  const rows = await rowsOf(db, 'select 1 from ai.agents where model = ? limit 1', [model]);
  return rows.length > 0;
}

/** What is deleted or breaks when this asset is deleted: one line each, in alphabetical order. */
export async function listDependents(db: Knex, kind: AssetKind, id: string): Promise<string[]> {
  const rows = await rowsOf<{ line: string }>(
    db,
    `${DEPENDENTS[kind]} order by 1`,
    Array(BINDINGS[kind]).fill(id),
  );
  return rows.map((row) => row.line);
}

const ENTITIES = (type: string): string => `
  select 'its place in the orchestration ' || o.name as line
  from ai.orchestration_entities e join ai.orchestrations o on o.id = e.orchestration_id
  where e.entity_ref_id = ? and coalesce(e.entity_type, '${type}') like '${type}%'`;

const DEPENDENTS: Readonly<Record<AssetKind, string>> = {
  agent: `
    select 'its ' || count(*) || ' tools go' as line from ai.agent_tools where agent_id = ? having count(*) > 0
    union all
    select 'its ' || count(*) || ' MCP servers go' from ai.agent_mcp_servers where agent_id = ? having count(*) > 0
    union all
    select 'the block ' || coalesce(b.name, b.type) || ' of the workflow ' || w.name || ' breaks' as line
    from ai.workflow_blocks b join ai.workflows w on w.id = b.workflow_id
    where b.config ->> 'agent_id' = ?::text
    union all ${ENTITIES('agent')}`,
  knowledge_base: `
    select 'the agent ' || g.name || ' loses it' as line
    from ai.agent_knowledge_bases l join ai.agents g on g.id = l.agent_id where l.knowledge_base_id = ?
    union all
    select 'the block ' || coalesce(b.name, b.type) || ' of the workflow ' || w.name || ' loses it'
    from ai.workflow_blocks b join ai.workflows w on w.id = b.workflow_id
    where b.type = 'agent' and jsonb_path_exists(b.config, '$.knowledge_bases[*] \\? (@.id == $id || @ == $id)',
      jsonb_build_object('id', ?::text), true)
    union all
    select 'the index of ' || count(*) || ' sources goes (the sources stay)'
    from ai.indexed_sources where knowledge_base_id = ? having count(*) > 0
    union all ${ENTITIES('knowledge_base')}`,
  orchestration: `
    select 'its ' || count(*) || ' entities go (what they refer to stays)' as line
    from ai.orchestration_entities where orchestration_id = ? having count(*) > 0
    union all ${ENTITIES('orchestration')}`,
  workflow: `
    select 'its blocks and edges go (' || count(*) || ' blocks)' as line
    from ai.workflow_blocks where workflow_id = ? having count(*) > 0
    union all
    select 'its run logs go (' || count(*) || ' runs)' from ai.workflow_executions where workflow_id = ? having count(*) > 0
    union all
    select 'its copilot sessions go (' || count(*) || ')' from ai.copilot_sessions where workflow_id = ? having count(*) > 0
    union all
    select 'it is deployed, and callers of it break' from ai.workflows where id = ? and state = 'deployed'
    union all ${ENTITIES('workflow')}`,
};
const BINDINGS: Readonly<Record<AssetKind, number>> = {
  agent: 4,
  knowledge_base: 4,
  orchestration: 2,
  workflow: 5,
};

/** Inserts an asset and its links. */
export async function insertAsset(
  trx: Knex,
  kind: AssetKind,
  id: string,
  content: JsonObject,
): Promise<void> {
  const columns = { id, ...toColumns(kind, content) };
  const names = Object.keys(columns);
  await trx.raw(
    `insert into ai.${TABLE[kind]} (${names.join(', ')}) values (${names.map(() => '?').join(', ')})`,
    Object.values(columns) as Knex.RawBinding[],
  );
  await writeLinks(trx, kind, id, content);
}

/** Writes the columns and links that `changes` names. Each value replaces the old one as a whole. */
export async function updateAsset(
  trx: Knex,
  kind: AssetKind,
  id: string,
  changes: JsonObject,
): Promise<void> {
  const columns = toColumns(kind, changes);
  const sets = [...Object.keys(columns).map((name) => `${name} = ?`), 'updated_at = clock_timestamp()'];
  await trx.raw(`update ai.${TABLE[kind]} set ${sets.join(', ')} where id = ?`, [
    ...Object.values(columns),
    id,
  ] as Knex.RawBinding[]);
  await writeLinks(trx, kind, id, changes);
}

/** Deletes an asset. Its rows in other tables are deleted first, because the platform's tables may lack a cascade. */
export async function deleteAsset(trx: Knex, kind: AssetKind, id: string): Promise<void> {
  for (const [table, column] of OWNED[kind]) {
    await trx.raw(`delete from ai.${table} where ${column} = ?`, [id]);
  }
  await trx.raw(`delete from ai.${TABLE[kind]} where id = ?`, [id]);
}

const OWNED: Readonly<Record<AssetKind, readonly (readonly [string, string])[]>> = {
  agent: [
    ['agent_knowledge_bases', 'agent_id'],
    ['agent_tools', 'agent_id'],
    ['agent_mcp_servers', 'agent_id'],
  ],
  knowledge_base: [
    ['agent_knowledge_bases', 'knowledge_base_id'],
    ['indexed_sources', 'knowledge_base_id'],
  ],
  orchestration: [['orchestration_entities', 'orchestration_id']],
  workflow: [],
};

const COLUMNS: Readonly<Record<AssetKind, readonly string[]>> = {
  agent: ['name', 'model', 'system_prompt', 'settings'],
  knowledge_base: ['name', 'description', 'indexing_config', 'retrieval_config'],
  orchestration: ['name', 'description', 'strategy'],
  workflow: ['name', 'description'],
};

function toColumns(kind: AssetKind, content: JsonObject): Record<string, Json> {
  return Object.fromEntries(
    COLUMNS[kind]
      .filter((name) => Object.hasOwn(content, name))
      .map((name) => {
        const value = content[name]!;
        return [name, typeof value === 'object' && value !== null ? JSON.stringify(value) : value];
      }),
  );
}

async function writeLinks(trx: Knex, kind: AssetKind, id: string, content: JsonObject): Promise<void> {
  if (kind === 'agent' && content.knowledge_bases !== undefined) {
    await trx.raw(
      'delete from ai.agent_knowledge_bases where agent_id = ? and not knowledge_base_id = any (?::uuid[])',
      [id, content.knowledge_bases] as Knex.RawBinding[],
    );
    await trx.raw(
      `insert into ai.agent_knowledge_bases (id, agent_id, knowledge_base_id)
       select gen_random_uuid(), ?, w.id from unnest(?::uuid[]) as w (id) where not exists (
         select 1 from ai.agent_knowledge_bases l where l.agent_id = ? and l.knowledge_base_id = w.id)`,
      [id, content.knowledge_bases, id] as Knex.RawBinding[],
    );
  }
  if (kind === 'knowledge_base' && content.sources !== undefined) {
    await trx.raw(
      'delete from ai.indexed_sources where knowledge_base_id = ? and not source_id = any (?::uuid[])',
      [id, content.sources] as Knex.RawBinding[],
    );
    await trx.raw(
      `insert into ai.indexed_sources (id, knowledge_base_id, source_id, index_status)
       select gen_random_uuid(), ?, w.id, 'pending' from unnest(?::uuid[]) as w (id) where not exists (
         select 1 from ai.indexed_sources l where l.knowledge_base_id = ? and l.source_id = w.id)`,
      [id, content.sources, id] as Knex.RawBinding[],
    );
  }
  if (kind === 'orchestration' && content.entities !== undefined) {
    // The tool does not know an entity's config. An entity that stays in the list keeps its config.
    await trx.raw(
      `with old as (
         delete from ai.orchestration_entities where orchestration_id = ? returning entity_type, entity_ref_id, config
       )
       insert into ai.orchestration_entities
         (id, orchestration_id, entity_type, entity_ref_id, role_description, position, config)
       select gen_random_uuid(), ?, e ->> 'entity_type', (e ->> 'entity_ref_id')::uuid, e ->> 'role_description', n - 1,
         coalesce((select o.config from old o where o.entity_type = e ->> 'entity_type'
           and o.entity_ref_id = (e ->> 'entity_ref_id')::uuid limit 1), '{}')
       from jsonb_array_elements(?::jsonb) with ordinality as t (e, n)`,
      [id, id, JSON.stringify(content.entities)],
    );
  }
}
