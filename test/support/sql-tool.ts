/** The tool execute_public_sql on a test database, and a connection of the database's owner. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import type { ToolRegistry } from '../../activities/tools/registry.ts';
import type { ToolContext } from '../../activities/tools/tool.ts';
import { createSqlSandbox, type SandboxConfig } from '../../db/sql-sandbox/sql-sandbox.ts';
import { createTestDatabase } from './api-database.ts';
import { productTools } from './product-tools.ts';
import { silentLogger } from './test-api.ts';

export interface SqlAnswer {
  isError: boolean;
  text: string;
  result: { rows?: unknown[][]; notes?: string[]; error?: string; code?: string; hint?: string };
}

export interface SqlTool {
  owner: pg.Client;
  /** Runs the tool. The default mode is `role`. Fails when the answer contains the word SENTINEL. */
  ask(sql: string, mode?: SandboxConfig['sqlMode']): Promise<SqlAnswer>;
  /** Runs a query as the superuser, without the tool. Returns the rows as text, or the error. */
  raw(sql: string): Promise<{ text: string; code: string | null }>;
  close(): Promise<void>;
}

const fixtureText = (file: string): string =>
  readFileSync(new URL(`../fixtures/sql/${file}`, import.meta.url), 'utf8');

/** The lines of a fixture, one query each. */
export const fixtureLines = (file: string): string[] =>
  fixtureText(file)
    .split('\n')
    .filter((line) => line !== '');

/** Creates a database with these fixtures. The sandbox creates its role on first use, after the fixtures. */
export async function startSqlTool(fixtures: string[]): Promise<SqlTool> {
  const database = await createTestDatabase();
  const owner = new pg.Client(database.url);
  owner.on('error', () => undefined);
  await owner.connect();
  for (const file of fixtures) await owner.query(fixtureText(file));
  const tools = new Map<string, ToolRegistry>();
  const toolsOf = (sqlMode: SandboxConfig['sqlMode']): ToolRegistry => {
    const made =
      tools.get(sqlMode) ??
      productTools(['execute_public_sql'], {
        sandbox: createSqlSandbox({
          databaseUrl: database.url,
          config: { sqlDatabaseUrl: undefined, sqlMode },
          logger: silentLogger,
        }),
      });
    tools.set(sqlMode, made);
    return made;
  };
  return {
    owner,
    async ask(sql, mode = 'role') {
      const signal = new AbortController().signal;
      const outcome = await toolsOf(mode).run('execute_public_sql', { sql }, { signal } as ToolContext);
      const text = JSON.stringify(outcome.result);
      assert.ok(!text.includes('SENTINEL'), `${sql} shows ${text}`);
      return { isError: outcome.isError, text, result: outcome.result };
    },
    async raw(sql) {
      // Makes the planner use indexes also for a few rows.
      await owner.query(
        'begin read only; set local search_path = pg_catalog, public; set local enable_seqscan = off',
      );
      try {
        const { rows } = await owner.query({ text: sql, rowMode: 'array' });
        return { text: JSON.stringify(rows), code: null };
      } catch (error: unknown) {
        return { text: String(error), code: (error as { code?: string }).code ?? '' };
      } finally {
        await owner.query('rollback');
      }
    },
    async close() {
      await owner.end();
      await database.drop();
    },
  };
}
