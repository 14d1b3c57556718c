/**
 * The database role that runs the model's SQL. It may log in and select from the safe tables of public, and nothing else.
 * When the service may create roles, this file creates the role and keeps its grants current. Otherwise an operator
 * creates it with the statements of `roleScript`.
 */
import { createHash, createHmac } from 'node:crypto';
import pg from 'pg';
import { type CatalogReader, isSafeView, UNSAFE_RELATION } from './check-names.ts';

// An arbitrary number. Under this lock, one worker at a time sets up the role.
const ADVISORY_LOCK = '32477403823566712';
const CONNECTION_LIMIT = 32;
/** Settings of the role. Only a superuser may add temp_file_limit. */
const ROLE_SETTINGS = [
  ['default_transaction_read_only', 'on'],
  ['statement_timeout', '5s'],
  ['idle_in_transaction_session_timeout', '10s'],
] as const;
const TEMP_FILE_LIMIT = '256MB';

export interface SandboxRole {
  name: string;
  /** How the role connects to the same database. */
  url: string;
}

/**
 * The role for a database. Roles belong to the whole server, so each database has a role with a name of its own. The
 * password is derived from the password in DATABASE_URL, so every worker can compute it and nothing is stored.
 */
export function sandboxRole(databaseUrl: string): SandboxRole {
  const url = new URL(databaseUrl);
  const database = decodeURIComponent(url.pathname.slice(1)) || url.username;
  const name = `copilot_sql_${createHash('sha256').update(database).digest('hex').slice(0, 8)}`;
  const key = url.password === '' ? databaseUrl : decodeURIComponent(url.password);
  url.username = name;
  url.password = createHmac('sha256', key).update(`sql sandbox of ${database}`).digest('hex');
  return { name, url: url.href };
}

/**
 * Creates or repairs the role, and grants and revokes until it may read exactly the tables that are safe now. Steps that the
 * connecting role may not do are left out; the self-test then finds out whether the role is safe.
 */
export async function setUpRole(databaseUrl: string, role: SandboxRole, withRole: boolean): Promise<void> {
  await asOwner(databaseUrl, async (client) => {
    if (withRole) await ensureRole(client, role);
    await grantSafeTables(client, role.name);
  });
}

/** The SQL that creates the role, for an operator whose service may not create roles. */
export async function roleScript(databaseUrl: string): Promise<string> {
  const role = pg.escapeIdentifier('copilot_sql');
  const tables = await asOwner(databaseUrl, (client) => listTables(client, 'copilot_sql'));
  return [
    `create role ${role} login noinherit connection limit ${CONNECTION_LIMIT} password '<choose one>';`,
    ...ROLE_SETTINGS.map(([name, value]) => `alter role ${role} set ${name} = '${value}';`),
    `alter role ${role} set temp_file_limit = '${TEMP_FILE_LIMIT}'; -- needs a superuser`,
    `grant usage on schema public to ${role};`,
    ...tables
      .filter(({ safe }) => safe)
      .map(({ name }) => `grant select on public.${pg.escapeIdentifier(name)} to ${role};`),
    '-- Never `alter default privileges`: it would also cover views made later.',
  ].join('\n');
}

async function asOwner<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'copilot-sql-setup',
    connectionTimeoutMillis: 3_000,
    statement_timeout: 20_000,
    // A dead connection ends as an error, too.
    query_timeout: 22_000,
    keepAlive: true,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.query('begin');
    await client.query('set local search_path = pg_catalog, public');
    await client.query('select pg_advisory_xact_lock($1::bigint)', [ADVISORY_LOCK]);
    const result = await work(client);
    await client.query('commit');
    return result;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function ensureRole(client: pg.Client, { name, url }: SandboxRole): Promise<void> {
  const { rows } = await client.query<{ super: boolean; create: boolean; exists: boolean; database: string }>(
    `select r.rolsuper as super, r.rolcreaterole as create, current_database() as database,
       exists (select 1 from pg_roles where rolname = $1) as exists
     from pg_roles r where r.rolname = current_user`,
    [name],
  );
  const facts = rows[0]!;
  if (!facts.super && !facts.create) return;
  const role = pg.escapeIdentifier(name);
  const password = pg.escapeLiteral(new URL(url).password);
  const attributes = `login noinherit connection limit ${CONNECTION_LIMIT} password ${password}`;
  await client.query(`${facts.exists ? 'alter' : 'create'} role ${role} with ${attributes}`);
  for (const [setting, value] of ROLE_SETTINGS)
    await client.query(`alter role ${role} set ${setting} = ${pg.escapeLiteral(value)}`);
  if (facts.super) await client.query(`alter role ${role} set temp_file_limit = '${TEMP_FILE_LIMIT}'`);
  await client.query(`grant connect on database ${pg.escapeIdentifier(facts.database)} to ${role}`);
  await client.query(`grant usage on schema public to ${role}`);
}

async function grantSafeTables(client: pg.Client, roleName: string): Promise<void> {
  const { rows } = await client.query('select 1 from pg_roles where rolname = $1', [roleName]);
  if (rows.length === 0) return;
  const role = pg.escapeIdentifier(roleName);
  for (const { name, safe, granted } of await listTables(client, roleName)) {
    if (safe === granted) continue;
    const table = `public.${pg.escapeIdentifier(name)}`;
    // Skips a table that the connecting role may not grant. A query of that table gets a refusal that says so.
    await client.query('savepoint grants');
    await client
      .query(safe ? `grant select on ${table} to ${role}` : `revoke select on ${table} from ${role}`)
      .catch(() => client.query('rollback to savepoint grants'));
  }
}

/** Every table and view of public, with whether it is safe to read and whether the role may read it. */
async function listTables(
  client: pg.Client,
  roleName: string,
): Promise<{ name: string; safe: boolean; granted: boolean }[]> {
  const { rows } = await client.query<{
    name: string;
    unsafe: string | null;
    isView: boolean;
    granted: boolean;
  }>(
    `select c.relname as name, ${UNSAFE_RELATION} as unsafe,
       c.relkind in ('v', 'm') as "isView",
       exists (select 1 from pg_roles r where r.rolname = $1 and has_table_privilege(r.oid, c.oid, 'select')) as granted
     from pg_class c join pg_namespace n on n.oid = c.relnamespace and n.nspname = 'public'
     where c.relkind in ('r', 'p', 'v', 'm') order by 1`,
    [roleName],
  );
  const read: CatalogReader = async <T>(sql: string, values: unknown[]) =>
    (await client.query(sql, values)).rows as T[];
  const tables = [];
  for (const { name, unsafe, isView, granted } of rows) {
    const safe = unsafe === null && (!isView || (await isSafeView(read, name, { asReader: false })));
    tables.push({ name, safe, granted });
  }
  return tables;
}
