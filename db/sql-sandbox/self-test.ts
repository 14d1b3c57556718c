/** Tests whether the sandbox's login is safe enough to run a query of the model. */
import pg from 'pg';
import { codeOf } from '../../contracts/thrown-codes.ts';

/**
 * Connects with the sandbox's login and tries what must fail. Returns the weaknesses in words for an operator; an empty
 * list means that the login is safe.
 */
export async function findWeaknesses(databaseUrl: string, options: { ownRole: boolean }): Promise<string[]> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'copilot-sql-self-test',
    connectionTimeoutMillis: 3_000,
    statement_timeout: 5_000,
    query_timeout: 6_000,
  });
  client.on('error', () => undefined);
  const wrong: string[] = [];
  try {
    await client.connect();
    if (options.ownRole) {
      const { rows } = await client.query<Record<string, boolean>>(
        `select r.rolsuper as "is a superuser", r.rolbypassrls as "may bypass row level security",
           exists (select 1 from pg_auth_members m where m.member = r.oid) as "is a member of other roles",
           exists (select 1 from pg_namespace n where n.nspname !~ '^pg_(toast_)?temp_'
             and has_schema_privilege(n.oid, 'create')) as "may create objects in a schema",
           exists (select 1 from pg_namespace n where n.nspname = 'ai' and has_schema_privilege(n.oid, 'usage'))
             as "may look into schema ai"
         from pg_roles r where r.rolname = current_user`,
      );
      for (const [what, is] of Object.entries(rows[0] ?? {})) if (is) wrong.push(`the role ${what}`);
      if ((await stateOf(client, 'select 1 from ai.copilot_sessions limit 0')) !== '42501')
        wrong.push('the role can read the tables of the platform');
    }
    await client.query('begin read only');
    if ((await stateOf(client, 'create table public.copilot_sql_probe ()')) !== '25006')
      wrong.push('a read-only transaction takes a write');
    await client.query('rollback');
    if ((await stateOf(client, 'select 1; select 2')) !== '42601')
      wrong.push('the server takes two statements in one query');
    await client.query(`begin read only; set local "app.settings.jwt_secret" = ''`);
    const secret = await client.query<{ value: string | null }>(
      `select current_setting('app.settings.jwt_secret', true) as value`,
    );
    if ((secret.rows[0]?.value ?? '') !== '') wrong.push('the signing key of the platform can be read');
    await client.query('rollback');
    return wrong;
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Sends a query over the extended protocol. Returns the SQLSTATE of its error, or null when it succeeds. */
async function stateOf(client: pg.Client, sql: string): Promise<string | null> {
  try {
    // By default pg sends a text without parameters over the simple protocol, which takes several statements.
    await client.query({ text: sql, queryMode: 'extended' } as pg.QueryConfig);
    return null;
  } catch (error: unknown) {
    return codeOf(error) ?? '';
  }
}
