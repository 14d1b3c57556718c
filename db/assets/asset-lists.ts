/** Reads the project's assets for the reading tools: a page of one kind, or one asset in full. */
import type { Knex } from 'knex';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { rowsOf } from '../connection/sql-rows.ts';

export const LISTED_KINDS = ['agents', 'knowledge_bases', 'sources', 'orchestrations', 'workflows'] as const;
export type ListedKind = (typeof LISTED_KINDS)[number];

/** Where a page ends: the last item's name in lower case, and its id. */
export interface PageEnd {
  name: string;
  id: string;
}

/** Of each kind: the columns to list besides id and name, and the column to search besides the name. */
const LISTS: Readonly<Record<ListedKind, { columns: string; searched: string | null }>> = {
  agents: { columns: 'a.model', searched: null },
  knowledge_bases: {
    columns: `a.description,
      (select count(distinct l.source_id)::int from ai.indexed_sources l where l.knowledge_base_id = a.id) as sources`,
    searched: 'a.description',
  },
  sources: { columns: 'a.file_type, a.extraction_status', searched: null },
  orchestrations: {
    columns: `a.description, a.strategy,
      (select count(*)::int from ai.orchestration_entities e where e.orchestration_id = a.id) as entities`,
    searched: 'a.description',
  },
  workflows: {
    columns: 'a.description, a.state, coalesce(a.version, 1) as version',
    searched: 'a.description',
  },
};

/**
 * One page of a kind, ordered by name. `search` matches any part of the name or description, ignoring case. `total`
 * counts all matches, not only those of the page.
 */
export async function listAssets(
  db: Knex,
  kind: ListedKind,
  input: { search: string | null; after: PageEnd | null; limit: number },
): Promise<{ total: number; items: (JsonObject & { id: string; name: string })[] }> {
  const { columns, searched } = LISTS[kind];
  const pattern = input.search === null ? null : `%${input.search.toLowerCase().replace(/[\\%_]/g, '\\$&')}%`;
  const matches =
    pattern === null
      ? 'true'
      : `(lower(a.name) like :pattern${searched === null ? '' : ` or lower(${searched}) like :pattern`})`;
  const values = {
    pattern,
    limit: input.limit,
    name: input.after?.name ?? null,
    id: input.after?.id ?? null,
  };
  const { rows } = await db.raw<{
    rows: { total: number; items: (JsonObject & { id: string; name: string })[] }[];
  }>(
    `select (select count(*)::int from ai.${kind} a where ${matches}) as total,
       (select coalesce(json_agg(to_json(p) order by lower(p.name), p.id), '[]') from (
          select a.id, a.name, ${columns} from ai.${kind} a
          where ${matches} ${input.after ? 'and (lower(a.name), a.id) > (:name, :id::uuid)' : ''}
          order by lower(a.name), a.id limit :limit) p) as items`,
    values as never,
  );
  return rows[0]!;
}

/** Ids of the assets of a kind with this name, ignoring case; five at most. */
export async function findIdsByName(db: Knex, kind: ListedKind, name: string): Promise<string[]> {
  const rows = await rowsOf<{ id: string }>(
    db,
    `select id from ai.${kind} where lower(name) = lower(?) order by id limit 5`,
    [name],
  );
  return rows.map((row) => row.id);
}

/** The first `limit` names of a kind, in alphabetical order. */
export async function listNames(db: Knex, kind: ListedKind, limit: number): Promise<string[]> {
  const rows = await rowsOf<{ name: string }>(
    db,
    `select name from ai.${kind} order by lower(name), id limit ?`,
    [limit],
  );
  return rows.map((row) => row.name);
}

const FULL: Readonly<Record<ListedKind, string>> = {
  agents: `json_build_object('id', a.id, 'name', a.name, 'model', a.model, 'system_prompt', a.system_prompt,
    'settings', a.settings, 'created_at', a.created_at, 'updated_at', a.updated_at,
    'knowledge_bases', (select coalesce(json_agg(json_build_object('id', k.id, 'name', k.name, 'config', l.config) order by k.name), '[]')
      from ai.agent_knowledge_bases l join ai.knowledge_bases k on k.id = l.knowledge_base_id where l.agent_id = a.id),
    'tools', (select coalesce(json_agg(json_build_object('name', t.tool_name, 'type', t.tool_type, 'config', t.config_override) order by t.tool_name), '[]')
      from ai.agent_tools t where t.agent_id = a.id),
    'mcp_servers', (select coalesce(json_agg(json_build_object('name', m.name, 'transport', m.transport, 'url', m.url,
        'headers', m.headers, 'config', m.config, 'enabled', m.enabled) order by m.name), '[]')
      from ai.agent_mcp_servers m where m.agent_id = a.id))`,
  knowledge_bases: `json_build_object('id', a.id, 'name', a.name, 'description', a.description,
    'indexing_config', a.indexing_config, 'retrieval_config', a.retrieval_config,
    'created_at', a.created_at, 'updated_at', a.updated_at,
    'sources', (select coalesce(json_agg(json_build_object('id', s.id, 'name', s.name, 'file_type', s.file_type,
        'index_status', l.index_status, 'error_message', l.error_message) order by s.name), '[]')
      from ai.indexed_sources l join ai.sources s on s.id = l.source_id where l.knowledge_base_id = a.id))`,
  sources: `json_build_object('id', a.id, 'name', a.name, 'file_type', a.file_type,
    'extraction_status', a.extraction_status, 'metadata', a.metadata, 'auto_metadata', a.auto_metadata,
    'error_message', a.error_message, 'created_at', a.created_at, 'updated_at', a.updated_at)`,
  orchestrations: `json_build_object('id', a.id, 'name', a.name, 'description', a.description, 'strategy', a.strategy,
    'orchestrator_config', a.orchestrator_config, 'settings', a.settings,
    'created_at', a.created_at, 'updated_at', a.updated_at,
    'entities', (select coalesce(json_agg(json_build_object('entity_type', e.entity_type, 'entity_ref_id', e.entity_ref_id,
        'name', coalesce((select g.name from ai.agents g where g.id = e.entity_ref_id),
          (select w.name from ai.workflows w where w.id = e.entity_ref_id),
          (select k.name from ai.knowledge_bases k where k.id = e.entity_ref_id),
          (select o.name from ai.orchestrations o where o.id = e.entity_ref_id)),
        'role_description', e.role_description, 'config', e.config) order by e.position, e.id), '[]')
      from ai.orchestration_entities e where e.orchestration_id = a.id))`,
  workflows: `json_build_object('id', a.id, 'name', a.name, 'description', a.description, 'state', a.state,
    'version', coalesce(a.version, 1), 'variables', a.variables, 'schedule_config', a.schedule_config,
    'created_at', a.created_at, 'updated_at', a.updated_at,
    'blocks', (select coalesce(json_agg(json_build_object('id', b.id, 'type', b.type, 'name', b.name, 'config', b.config,
        'enabled', coalesce(b.enabled, true)) order by b.created_at, b.id), '[]')
      from ai.workflow_blocks b where b.workflow_id = a.id),
    'edges', (select coalesce(json_agg(json_build_object('source', e.source_block_id, 'target', e.target_block_id,
        'sourceHandle', e.source_handle) order by e.id), '[]')
      from ai.workflow_edges e where e.workflow_id = a.id))`,
};

/** One asset with its links and children; null when it does not exist. It may hold secrets, which the caller must hide. */
export async function findFullAsset(db: Knex, kind: ListedKind, id: string): Promise<JsonObject | null> {
  const rows = await rowsOf<{ asset: JsonObject }>(
    db,
    `select ${FULL[kind]} as asset from ai.${kind} a where a.id = ?::uuid`,
    [id],
  );
  return rows[0]?.asset ?? null;
}
