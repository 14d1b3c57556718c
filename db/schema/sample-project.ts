/**
 * The sample project as SQL: two workflows with completed and failed runs, two agents, a knowledge base with sources, and
 * a small shop in `public`. Dates are relative to now, so that questions about last week have answers.
 */

/** The workflow that the first request of the README talks to. */
export const SAMPLE_WORKFLOW_ID = '5a3b1c00-0000-4000-8000-000000000001';
const REPORT = '5a3b1c00-0000-4000-8000-000000000002';
const block = (n: number): string => `5a3b1c00-0000-4000-8000-0000000001${String(n).padStart(2, '0')}`;
const AGENT = '5a3b1c00-0000-4000-8000-000000000201';
const WRITER = '5a3b1c00-0000-4000-8000-000000000202';
const KB = '5a3b1c00-0000-4000-8000-000000000301';

interface SampleBlock {
  n: number;
  type: string;
  name: string;
  x: number;
  y: number;
  config: object;
}

const TRIAGE: SampleBlock[] = [
  { n: 1, type: 'starter', name: 'Start', x: 300, y: 50, config: { input: { order_id: '1' } } },
  {
    n: 2,
    type: 'platform_api',
    name: 'Load Order',
    x: 300,
    y: 250,
    config: {
      resource: 'database',
      operation: 'query',
      params: { sql: 'select * from orders where id = <Start.output.order_id>' },
    },
  },
  {
    n: 3,
    type: 'condition',
    name: 'Large Order',
    x: 300,
    y: 450,
    config: { branches: [{ expression: '<Load Order.output.total> > 500' }] },
  },
  {
    n: 4,
    type: 'agent',
    name: 'Summarise',
    x: 150,
    y: 650,
    config: { agent_id: AGENT, input: 'Summarise this order for the sales team: <Load Order.output>' },
  },
  {
    n: 5,
    type: 'response',
    name: 'Reply',
    x: 300,
    y: 850,
    config: { output: '<Load Order.output>', status_code: 200 },
  },
];
const TRIAGE_EDGES: [number, number, string | null][] = [
  [1, 2, null],
  [2, 3, null],
  [3, 4, 'if'],
  [3, 5, 'else'],
  [4, 5, null],
];

const WEEKLY: SampleBlock[] = [
  {
    n: 11,
    type: 'starter',
    name: 'Every Monday',
    x: 300,
    y: 50,
    config: {
      input: {},
      schedule_enabled: true,
      schedule_type: 'cron',
      schedule_cron: '0 7 * * 1',
      schedule_timezone: 'Europe/Berlin',
    },
  },
  {
    n: 12,
    type: 'general_api',
    name: 'Fetch Rates',
    x: 300,
    y: 250,
    config: { url: 'https://rates.example.com/latest?base=EUR', method: 'GET' },
  },
  {
    n: 13,
    type: 'code',
    name: 'Convert',
    x: 300,
    y: 450,
    config: {
      language: 'python',
      code: 'rates = input_data["Fetch Rates"]["output"]["output"]["rates"]\noutput = {"usd": round(rates["USD"] * 1000, 2)}',
    },
  },
  {
    n: 14,
    type: 'response',
    name: 'Report',
    x: 300,
    y: 650,
    config: { output: '<Convert.output>', status_code: 200 },
  },
];
const WEEKLY_EDGES: [number, number, string | null][] = [
  [11, 12, null],
  [12, 13, null],
  [13, 14, null],
];

const text = (value: string): string => `'${value.replaceAll("'", "''")}'`;

function graphSql(
  workflowId: string,
  blocks: SampleBlock[],
  edges: [number, number, string | null][],
): string {
  const rows = blocks.map(
    ({ n, type, name, x, y, config }) =>
      `('${block(n)}', '${workflowId}', '${type}', ${text(name)}, ${x}, ${y}, ${text(JSON.stringify(config))}::jsonb)`,
  );
  const lines = edges.map(
    ([source, target, handle]) =>
      `(gen_random_uuid(), '${workflowId}', '${block(source)}', '${block(target)}', ${text(handle ?? 'output')}, ${handle === null ? 'null' : text(handle)})`,
  );
  return `
    insert into ai.workflow_blocks (id, workflow_id, type, name, position_x, position_y, config) values ${rows.join(',\n')};
    insert into ai.workflow_edges (id, workflow_id, source_block_id, target_block_id, source_handle, condition)
    values ${lines.join(',\n')};`;
}

/** Ten weekly runs of the report. The newest and two older ones failed in Convert, because the rates had no USD. */
const RUNS = `
  insert into ai.workflow_executions (id, workflow_id, status, input, output, error, started_at, completed_at, created_at)
  select md5('run' || n)::uuid, '${REPORT}', case when n in (0, 3, 4) then 'failed' else 'completed' end, '{}',
    case when n in (0, 3, 4) then null else jsonb_build_object('usd', 1080 + n) end,
    case when n in (0, 3, 4) then 'Block "Convert" failed: KeyError: ''USD''' end,
    at, at + interval '3 seconds', at
  from generate_series(0, 9) as n, lateral (select now() - n * interval '7 days' - interval '5 hours' as at) t;

  insert into ai.workflow_block_logs
    (execution_id, block_id, block_type, block_name, status, execution_order, duration_ms, input, output, error, config_snapshot, created_at)
  select e.id, b.id, b.type, b.name,
    case when e.status = 'failed' and b.name = 'Convert' then 'error'
         when e.status = 'failed' and b.name = 'Report' then 'skipped' else 'success' end,
    o.ord, 20 + 180 * o.ord,
    case when b.name = 'Fetch Rates' then '{"Every Monday": {"output": {}}}'
         when b.name = 'Convert' then jsonb_build_object('Fetch Rates', f.fetched)
         when b.name = 'Report' and e.status = 'completed' then jsonb_build_object('Convert', jsonb_build_object('output', e.output)) end,
    case when b.name = 'Fetch Rates' then f.fetched
         when b.name = 'Convert' and e.status = 'completed' then e.output end,
    case when e.status = 'failed' and b.name = 'Convert' then 'KeyError: ''USD'' (line 2)' end,
    b.config, e.started_at + o.ord * interval '600 milliseconds'
  from ai.workflow_executions e
  join ai.workflow_blocks b on b.workflow_id = e.workflow_id
  join lateral (select (b.position_y / 200)::int + 1 as ord) o on true
  join lateral (select case when e.status = 'failed'
    then '{"status_code": 200, "output": {"base": "EUR", "rates": {"GBP": 0.86}}}'::jsonb
    else '{"status_code": 200, "output": {"base": "EUR", "rates": {"GBP": 0.86, "USD": 1.08}}}' end as fetched) f on true
  where e.workflow_id = '${REPORT}';`;

/** Three runs of the order triage. The newest one failed in Summarise. */
const TRIAGE_RUNS = `
  insert into ai.workflow_executions (id, workflow_id, status, input, output, error, started_at, completed_at, created_at)
  select md5('triage' || n)::uuid, '${SAMPLE_WORKFLOW_ID}', case when n = 0 then 'failed' else 'completed' end,
    jsonb_build_object('order_id', 40 + n), case when n = 0 then null else jsonb_build_object('id', 40 + n) end,
    case when n = 0 then 'Block "Summarise" failed: the model was rate limited' end,
    at, at + interval '4 seconds', at
  from generate_series(0, 2) as n, lateral (select now() - n * interval '1 day' - interval '2 hours' as at) t;

  insert into ai.workflow_block_logs
    (execution_id, block_id, block_type, block_name, status, execution_order, duration_ms, input, output, error, config_snapshot, created_at)
  select e.id, b.id, b.type, b.name,
    case when e.status = 'failed' and b.name = 'Summarise' then 'error'
         when e.status = 'failed' and b.name = 'Reply' then 'skipped' else 'success' end,
    o.ord, 30 + 120 * o.ord,
    case when b.name = 'Start' then e.input
         when b.name = 'Load Order' then jsonb_build_object('Start', jsonb_build_object('output', e.input))
         when e.status = 'completed' or b.name <> 'Reply' then jsonb_build_object('Load Order', jsonb_build_object('output', l.loaded)) end,
    case when b.name = 'Load Order' then l.loaded end,
    case when e.status = 'failed' and b.name = 'Summarise' then 'Rate limit reached for gpt-5.2: gave up after 3 attempts' end,
    b.config, e.started_at + o.ord * interval '600 milliseconds'
  from ai.workflow_executions e
  join ai.workflow_blocks b on b.workflow_id = e.workflow_id
  join lateral (select (b.position_y / 200)::int + 1 as ord) o on true
  join lateral (select jsonb_build_object('id', e.input -> 'order_id', 'status', 'paid', 'total', 812.5) as loaded) l on true
  where e.workflow_id = '${SAMPLE_WORKFLOW_ID}';`;

const ASSETS = `
  insert into ai.agents (id, name, model, system_prompt, settings) values
    ('${AGENT}', 'Order Analyst', 'gpt-5.2', 'You read orders of an online shop and say in two sentences what matters to the sales team.', '{"temperature": 0.3}'),
    ('${WRITER}', 'Support Writer', 'gpt-4.1', 'You answer customers of an online shop in a friendly and short way. Use the handbook; never promise a refund.', '{"temperature": 0.7}');
  insert into ai.knowledge_bases (id, name, description, indexing_config, retrieval_config) values
    ('${KB}', 'Shop Handbook', 'Shipping, returns and warranty rules of the shop', '{"chunk_size": 800}', '{"top_k": 5}');
  insert into ai.agent_knowledge_bases (id, agent_id, knowledge_base_id) values (gen_random_uuid(), '${WRITER}', '${KB}');
  insert into ai.sources (id, name, file_type, storage_path, extraction_status, content_hash) values
    ('5a3b1c00-0000-4000-8000-000000000401', 'shipping.pdf', 'pdf', 'sources/shipping.pdf', 'completed', md5('shipping')),
    ('5a3b1c00-0000-4000-8000-000000000402', 'returns.md', 'md', 'sources/returns.md', 'completed', md5('returns')),
    ('5a3b1c00-0000-4000-8000-000000000403', 'warranty.docx', 'docx', 'sources/warranty.docx', 'failed', md5('warranty'));
  insert into ai.indexed_sources (knowledge_base_id, source_id, index_status, indexed_at, stats)
  select '${KB}', id, case when extraction_status = 'completed' then 'indexed' else 'pending' end,
    case when extraction_status = 'completed' then now() - interval '3 days' end, '{"chunks": 42}'
  from ai.sources;`;

const SHOP = `
  create table public.customers (
    id int primary key generated always as identity,
    name text not null,
    email text not null unique,
    city text not null,
    created_at timestamptz not null
  );
  create table public.orders (
    id int primary key generated always as identity,
    customer_id int not null references public.customers (id),
    status text not null check (status in ('open', 'paid', 'shipped', 'cancelled')),
    total numeric(10, 2) not null default 0,
    ordered_at timestamptz not null
  );
  create table public.order_items (
    id int primary key generated always as identity,
    order_id int not null references public.orders (id),
    product text not null,
    quantity int not null check (quantity > 0),
    unit_price numeric(10, 2) not null
  );
  comment on table public.customers is 'Customers of the sample shop';
  comment on table public.orders is 'One row per order; total is the sum of its items';
  comment on table public.order_items is 'What was ordered';
  create index on public.orders (customer_id);
  create index on public.orders (ordered_at);
  create index on public.order_items (order_id);

  insert into public.customers (name, email, city, created_at)
  select first || ' ' || last, lower(first) || '.' || lower(last) || n || '@example.com',
    (array['Berlin', 'Lisbon', 'Oslo', 'Turin', 'Lyon', 'Graz'])[1 + n % 6], now() - (400 - n * 4) * interval '1 day'
  from generate_series(1, 60) as n,
    lateral (select (array['Ada', 'Ben', 'Chloe', 'Dev', 'Eva', 'Finn', 'Gita', 'Hugo', 'Ines', 'Jon'])[1 + n % 10] as first,
      (array['Albers', 'Brandt', 'Costa', 'Dahl', 'Esposito', 'Faure', 'Gruber'])[1 + n % 7] as last) names;
  insert into public.orders (customer_id, status, ordered_at)
  select 1 + (n * 7) % 60, (array['paid', 'shipped', 'shipped', 'open', 'paid', 'cancelled'])[1 + n % 6],
    now() - (n * 9) * interval '1 hour'
  from generate_series(1, 240) as n;
  insert into public.order_items (order_id, product, quantity, unit_price)
  select o.id, p.name, 1 + (o.id + k) % 3, p.price
  from public.orders o, generate_series(1, 3) as k,
    lateral (select (array['Lamp', 'Chair', 'Desk', 'Shelf', 'Rug', 'Clock'])[1 + (o.id * k) % 6] as name,
      (array[39.90, 129.00, 349.00, 89.50, 159.00, 24.90])[1 + (o.id * k) % 6] as price) p
  where k <= 1 + o.id % 3;
  update public.orders o set total = (select sum(quantity * unit_price) from public.order_items i where i.order_id = o.id);`;

/** The whole sample project as one script without bindings. */
export const SAMPLE_SQL = `
  insert into ai.workflows (id, name, description) values
    ('${SAMPLE_WORKFLOW_ID}', 'Order Triage', 'Loads an order and has large ones summarised'),
    ('${REPORT}', 'Weekly Rates', 'Fetches exchange rates every Monday');
  ${graphSql(SAMPLE_WORKFLOW_ID, TRIAGE, TRIAGE_EDGES)}
  ${graphSql(REPORT, WEEKLY, WEEKLY_EDGES)}
  ${RUNS}
${TRIAGE_RUNS}
  ${ASSETS}
  ${SHOP}`.replaceAll('?', '\\?');
