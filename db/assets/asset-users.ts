/** What uses an asset: blocks of workflows, agents, knowledge bases and orchestrations. */
import type { Knex } from 'knex';
import { rowsOf } from '../connection/sql-rows.ts';
import type { ListedKind } from './asset-lists.ts';

export interface AssetUser {
  kind: 'agent' | 'knowledge_base' | 'orchestration' | 'workflow';
  id: string;
  name: string;
  /** The block of the workflow. */
  block?: string;
  /** How far a knowledge base has indexed the source. */
  index_status?: string;
}

/** The most users that are listed. */
const MAX_USERS = 100;

const IN_ORCHESTRATIONS = (type: string): string => `
  select 'orchestration' as kind, o.id, o.name, null as block, null as index_status
  from ai.orchestration_entities e join ai.orchestrations o on o.id = e.orchestration_id
  where e.entity_ref_id = cast(:id as uuid) and coalesce(e.entity_type, '${type}') like '${type}%'`;

const IN_BLOCKS = (uses: string): string => `
  select 'workflow', w.id, w.name, coalesce(b.name, b.type), null
  from ai.workflow_blocks b join ai.workflows w on w.id = b.workflow_id where ${uses}`;

const USERS: Readonly<Record<ListedKind, string>> = {
  agents: `${IN_ORCHESTRATIONS('agent')} union all ${IN_BLOCKS("b.config ->> 'agent_id' = :id")}`,
  knowledge_bases: `${IN_ORCHESTRATIONS('knowledge_base')}
    union all
    select 'agent', g.id, g.name, null, null
    from ai.agent_knowledge_bases l join ai.agents g on g.id = l.agent_id where l.knowledge_base_id = cast(:id as uuid)
    union all
    ${IN_BLOCKS(`b.type = 'agent' and jsonb_path_exists(b.config, '$.knowledge_bases[*] \\? (@.id == $id || @ == $id)',
      jsonb_build_object('id', cast(:id as text)), true)`)}`,
  orchestrations: IN_ORCHESTRATIONS('orchestration'),
  sources: `
    select 'knowledge_base' as kind, k.id, k.name, null as block, l.index_status
    from ai.indexed_sources l join ai.knowledge_bases k on k.id = l.knowledge_base_id where l.source_id = cast(:id as uuid)`,
  workflows: IN_ORCHESTRATIONS('workflow'),
};

/** The users of an asset, by kind and name; 100 at most. */
export async function listUsers(db: Knex, kind: ListedKind, id: string): Promise<AssetUser[]> {
  const rows = await rowsOf<{ found: AssetUser }>(
    db,
    `select json_strip_nulls(to_json(u)) as found from (${USERS[kind]}) u
     order by u.kind, lower(u.name), u.id, u.block limit ${MAX_USERS}`,
    { id },
  );
  return rows.map((row) => row.found);
}
