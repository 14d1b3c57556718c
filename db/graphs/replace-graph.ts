/** Writes a workflow's graph. */
import type { Knex } from 'knex';
import { toEdge } from '../../domain/graph/edge.ts';
import type { Edge, Graph } from '../../domain/graph/graph.ts';
import { exceededLimit } from '../../domain/graph/limits.ts';
import { findBlockType } from '../../domain/rules/block-registry.ts';
import { getKey, isObject, jsonEqual, setKey } from '../../domain/text/json.ts';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { findWorkflow, StoredGraphError, type StoredWorkflow } from './graphs.ts';

/**
 * Replaces a workflow's graph and adds 1 to its version. Unchanged rows keep their id and created_at. Unchanged keys of a
 * config keep the value in the database, because its numbers may have more digits than the JavaScript numbers of `graph`.
 * The caller's transaction holds the workflow's row (findWorkflow with `lock`). Throws StoredGraphError when the graph would
 * grow beyond the limits that chats and saves have.
 */
export async function replaceGraph(
  trx: Knex,
  workflow: StoredWorkflow,
  graph: Graph,
): Promise<StoredWorkflow> {
  const { blocks, edges } = graph;
  const exceeded = exceededLimit({ blocks: blocks.length, edges: edges.length });
  // A graph that the platform made too large may be changed, but must not grow.
  if (exceeded !== null && (blocks.length > workflow.blocks.length || edges.length > workflow.edges.length))
    throw new StoredGraphError('GRAPH_BEYOND_LIMITS', `With this change the workflow ${exceeded}`);
  const before = new Map(workflow.blocks.map((block) => [block.id, block.config]));
  const changes = blocks.map((block) => changeOf(before.get(block.id), block.config));
  await trx.raw('delete from ai.workflow_blocks where workflow_id = ? and id <> all(?::uuid[])', [
    workflow.id,
    blocks.map((block) => block.id),
  ]);
  await trx.raw(
    `insert into ai.workflow_blocks as b
       (id, workflow_id, type, name, position_x, position_y, config, enabled, created_at)
     select g.id, w.id, g.type, g.name, g.x, g.y,
       case when g.removed is null then g.config::jsonb else
         (case when jsonb_typeof(o.config) = 'object' then o.config else '{}' end
           - array(select jsonb_array_elements_text(g.removed::jsonb))) || g.config::jsonb
       end, g.enabled, clock_timestamp()
     from unnest(?::uuid[], ?::text[], ?::text[], ?::real[], ?::real[], ?::text[], ?::text[], ?::boolean[])
       with ordinality as g (id, type, name, x, y, config, removed, enabled, n)
     cross join (select ?::uuid as id) w
     left join ai.workflow_blocks o on o.workflow_id = w.id and o.id = g.id
     order by g.n
     on conflict (workflow_id, id) do update set type = excluded.type, name = excluded.name,
       position_x = excluded.position_x, position_y = excluded.position_y, config = excluded.config,
       enabled = excluded.enabled`,
    [
      blocks.map((block) => block.id),
      blocks.map((block) => block.type),
      blocks.map((block) => block.name),
      // Rounded here, because Postgres refuses a number that is too small for a real instead of storing 0.
      blocks.map((block) => Math.fround(block.position.x)),
      blocks.map((block) => Math.fround(block.position.y)),
      changes.map(({ set }) => JSON.stringify(set)),
      changes.map(({ removed }) => (removed === null ? null : JSON.stringify(removed))),
      blocks.map((block) => block.enabled),
      workflow.id,
    ] as Knex.RawBinding[],
  );
  const types = new Map(blocks.map((block) => [block.id, block.type]));
  const stored = new Map(workflow.edges.map((edge) => [storedKey(toEdge(edge)), edge]));
  const wanted = new Set(edges.map(storedKey));
  const gone = workflow.edges.filter((edge) => !wanted.has(storedKey(toEdge(edge)))).map((edge) => edge.id);
  await trx.raw('delete from ai.workflow_edges where workflow_id = ? and id = any(?::uuid[])', [
    workflow.id,
    gone,
  ]);
  const added = edges.filter((edge) => !stored.has(storedKey(edge)));
  await trx.raw(
    `insert into ai.workflow_edges
       (id, workflow_id, source_block_id, target_block_id, source_handle, target_handle, condition, created_at)
     select gen_random_uuid(), ?, g.source, g.target, g.handle, 'input', nullif(g.condition, ''), clock_timestamp()
     from unnest(?::uuid[], ?::uuid[], ?::text[], ?::text[]) with ordinality as g (source, target, handle, condition, n)
     order by g.n`,
    [
      workflow.id,
      added.map((edge) => edge.source),
      added.map((edge) => edge.target),
      added.map((edge) => edge.sourceHandle ?? 'output'),
      added.map((edge) => (isCondition(types.get(edge.source)) ? (edge.sourceHandle ?? '') : '')),
    ],
  );
  await trx.raw(
    'update ai.workflows set version = coalesce(version, 1) + 1, updated_at = clock_timestamp() where id = ?',
    [workflow.id],
  );
  return (await findWorkflow(trx, workflow.id))!;
}

/** The keys to set and to remove to turn `before` into `config`. `removed` is null when the config is set as a whole. */
function changeOf(
  before: JsonObject | undefined,
  config: JsonObject,
): { set: JsonObject; removed: string[] | null } {
  // Rows that the platform wrote may hold an array instead of an object.
  if (!isObject(before)) return { set: config, removed: null };
  const set: JsonObject = {};
  for (const key of Object.keys(config))
    if (!jsonEqual(getKey(before, key), config[key])) setKey(set, key, config[key]!);
  return { set, removed: Object.keys(before).filter((key) => !Object.hasOwn(config, key)) };
}

function storedKey(edge: Edge): string {
  return JSON.stringify([edge.source, edge.target, edge.sourceHandle ?? null]);
}

/** Whether a block type is a condition: its handles are if, elif_n and else. */
function isCondition(type: string | undefined): boolean {
  return (
    findBlockType(type ?? '')
      ?.handles({})
      .includes('else') ?? false
  );
}
