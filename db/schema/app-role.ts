/**
 * The Postgres role of API and worker. It reads and writes the rows that they need, and changes no schema: migrations run
 * with the login of the owner. docs/postgres-role.md is for operators.
 */
import pg from 'pg';
import { sqlStateOf } from '../connection/pg-errors.ts';
import { sandboxRole, setUpRole } from '../sql-sandbox/role.ts';
import { withMigrationGate } from './migration-locks.ts';

const READ = ['select'] as const;
const APPEND = ['select', 'insert', 'update'] as const;
const LINK = ['select', 'insert', 'delete'] as const;
const ADD = ['select', 'insert'] as const;
const REMOVE = ['select', 'delete'] as const;
const WRITE = ['select', 'insert', 'update', 'delete'] as const;

/** The rights of the role, by table of schema `ai`. Rows that a foreign key deletes need no right. */
export const APP_RIGHTS: Readonly<Record<string, readonly string[]>> = {
  agent_knowledge_bases: LINK,
  agent_mcp_servers: REMOVE,
  agent_tools: REMOVE,
  agents: WRITE,
  indexed_sources: LINK,
  knowledge_bases: WRITE,
  orchestration_entities: LINK,
  orchestrations: WRITE,
  project_settings: APPEND,
  sources: READ,
  workflow_block_logs: READ,
  workflow_blocks: WRITE,
  workflow_edges: LINK,
  workflow_executions: READ,
  workflows: WRITE,
  copilot_audit: ADD,
  copilot_body_bytes: WRITE,
  copilot_chat_starts: WRITE,
  copilot_confirmations: APPEND,
  copilot_count_changes: WRITE,
  copilot_counts: APPEND,
  copilot_messages: APPEND,
  copilot_migrations: READ,
  copilot_migrations_lock: [],
  copilot_migrations_v2: READ,
  copilot_migrations_v2_lock: [],
  copilot_open_streams: WRITE,
  copilot_sessions: WRITE,
  copilot_snapshots: APPEND,
  copilot_temporal: APPEND,
  copilot_transcript: LINK,
  copilot_turn_claims: WRITE,
  copilot_turn_events: WRITE,
  copilot_turns: WRITE,
  copilot_usage: APPEND,
};

/** Why the role can't be set up, as a sentence for an operator. */
export class AppRoleError extends Error {
  readonly code = 'APP_ROLE';
}

/**
 * Gives a role exactly the rights of API and worker in a migrated database. With a password, the role is created when it
 * does not exist, its password is set, and the role of the SQL tool is set up for its login. Without one, the role must
 * exist. `databaseUrl` is the login of the owner of schema `ai`. Throws AppRoleError. May be repeated.
 */
export async function setUpAppRole(options: {
  databaseUrl: string;
  role: string;
  password: string | undefined;
}): Promise<void> {
  const { databaseUrl, role, password } = options;
  await withMigrationGate(databaseUrl, async () => {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'copilot-migrations' });
    client.on('error', () => undefined);
    await client.connect();
    try {
      await client.query('begin');
      await ensureLogin(client, role, password);
      await grantRights(client, role);
      await client.query('commit');
    } catch (error: unknown) {
      if (sqlStateOf(error) !== '42501') throw error;
      throw new AppRoleError(
        `The login of DATABASE_URL may not set up the role (${(error as Error).message}). Use that of the owner of schema ai, with the right to create roles.`,
        { cause: error },
      );
    } finally {
      await client.end();
    }
  });
  if (password !== undefined)
    await setUpRole(databaseUrl, sandboxRole(appUrl({ databaseUrl, role, password })), true);
}

/** The URL with which API and worker connect. */
export function appUrl(options: { databaseUrl: string; role: string; password: string }): string {
  const url = new URL(options.databaseUrl);
  url.username = encodeURIComponent(options.role);
  url.password = encodeURIComponent(options.password);
  return url.href;
}

async function ensureLogin(client: pg.Client, role: string, password: string | undefined): Promise<void> {
  const { rows } = await client.query<{ isSuper: boolean; isOwner: boolean }>(
    `select r.rolsuper as "isSuper", pg_has_role(r.oid, n.nspowner, 'member') as "isOwner"
     from pg_roles r join pg_namespace n on n.nspname = 'ai' where r.rolname = $1`,
    [role],
  );
  const known = rows[0];
  if (known?.isSuper === true) throw new AppRoleError(`The role ${role} is a superuser.`);
  if (known?.isOwner === true)
    throw new AppRoleError(`The role ${role} has all rights of the owner of schema ai. Choose another role.`);
  const name = pg.escapeIdentifier(role);
  if (password === undefined) {
    if (known) return;
    throw new AppRoleError(
      `There is no role ${role}. Set COPILOT_APP_PASSWORD, or create it: create role ${name} login password '<choose one>';`,
    );
  }
  const attributes = `login password ${pg.escapeLiteral(password)}`;
  await client.query(
    known ? `alter role ${name} with ${attributes}` : `create role ${name} noinherit ${attributes}`,
  );
}

async function grantRights(client: pg.Client, role: string): Promise<void> {
  const name = pg.escapeIdentifier(role);
  const { rows: database } = await client.query<{ name: string }>('select current_database() as name');
  await client.query(`grant connect on database ${pg.escapeIdentifier(database[0]!.name)} to ${name}`);
  await client.query(`revoke all on schema ai from ${name}`);
  await client.query(`grant usage on schema ai to ${name}`);
  await client.query(`revoke all on all tables in schema ai from ${name}`);
  for (const [table, rights] of Object.entries(APP_RIGHTS)) {
    if (rights.length > 0) await client.query(`grant ${rights.join(', ')} on ai.${table} to ${name}`);
  }
  // A grant without the right to grant is only a warning, so the result is looked at.
  const { rows: missing } = await client.query<{ line: string }>(
    `select format('grant %s on ai.%I to %I;', w.privilege, w.name, $1::text) as line
     from unnest($2::text[], $3::text[]) as w (name, privilege)
     where not has_table_privilege($1::text, format('ai.%I', w.name), w.privilege)`,
    [
      role,
      Object.entries(APP_RIGHTS).flatMap(([table, rights]) => rights.map(() => table)),
      Object.values(APP_RIGHTS).flat(),
    ],
  );
  if (missing.length > 0)
    throw new AppRoleError(
      `This login may not grant all rights. The owner of these tables must run:\n${missing.map(({ line }) => line).join('\n')}`,
    );
}
