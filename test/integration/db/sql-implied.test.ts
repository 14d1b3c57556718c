/** What a query runs without calling it: operators, casts, domains and functions behind a dot. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fixtureLines, type SqlTool, startSqlTool } from '../../support/sql-tool.ts';

let tool: SqlTool;
before(async () => {
  tool = await startSqlTool(['fixture.sql', 'implied-fixture.sql']);
  await tool.owner.query(
    `do $$ begin execute format('alter database %I set app.settings.jwt_secret = %L', current_database(), 'SENTINEL-jwt'); end $$;
     set app.settings.jwt_secret = 'SENTINEL-jwt'`,
  );
});
after(() => tool.close());

test('every trap works on the bare server, and none behind the walls', async () => {
  const wrong: string[] = [];
  for (const sql of fixtureLines('implied-hostile.sql')) {
    const bare = await tool.raw(sql);
    // An older server does not know every form: it refuses that by itself.
    const unknown = ['42601', '42883'].includes(bare.code ?? '');
    if (!bare.text.includes('SENTINEL') && !unknown)
      wrong.push(`no trap: ${sql}\n    ${bare.text.slice(0, 200)}`);
    // On the main login, where the role is no wall behind these.
    const { isError, text } = await tool.ask(sql, 'parser-only');
    if (!isError) wrong.push(`${sql}\n    ${text.slice(0, 300)}`);
  }
  assert.deepEqual(wrong, []);
});

test('queries of the same forms run on what is harmless', async () => {
  const wrong: string[] = [];
  for (const sql of fixtureLines('implied-honest.sql')) {
    const bare = await tool.raw(sql);
    const { isError, text } = await tool.ask(sql);
    if (isError && bare.code === null) wrong.push(`${sql}\n    ${text.slice(0, 300)}`);
    if (bare.code !== null && !['42601', '42883'].includes(bare.code)) wrong.push(`${sql}\n    ${bare.text}`);
  }
  assert.deepEqual(wrong, []);
});

test('types, operators and casts of extensions run', async (t) => {
  const { rows } = await tool.owner.query<{ name: string }>('select name from pg_available_extensions');
  const wanted = ['citext', 'hstore', 'pg_trgm', 'ltree', 'cube', 'isn'];
  if (wanted.some((name) => !rows.some((row) => row.name === name))) {
    t.skip('this server has no contrib modules');
    return;
  }
  for (const name of wanted) await tool.owner.query(`create extension ${name}`);
  await tool.owner.query(`
    create domain mail as citext check (value ~ '^[^@]+@[^@]+$');
    create table people (id int, mail mail, nick citext, extra hstore, path ltree, spot cube, isbn isbn13);
    insert into people values (1, 'A@b', 'Ann', 'a=>1, b=>2', 'top.left', '(1,2)', '978-0-393-04002-9');
    create index on people using gin (nick gin_trgm_ops); create index on people (mail);
    create view people_view as select mail, nick from people where nick = 'ann' order by mail`);
  const wrong: string[] = [];
  for (const sql of [
    "SELECT id FROM people WHERE mail = 'a@B' AND nick IN ('ANN', 'bob') ORDER BY nick, mail",
    "SELECT nick, count(*) FROM people GROUP BY nick HAVING nick IS DISTINCT FROM 'x'",
    "SELECT extra -> 'a', extra ? 'b', extra || 'c=>3'::hstore, extra::text, to_json(extra) FROM people",
    "SELECT nick % 'anna', nick <-> 'anna', 'x'::citext = 'X' FROM people",
    "SELECT path <@ 'top', path::text, path ~ 'top.*'::lquery FROM people ORDER BY path",
    "SELECT spot <-> '(0,0)'::cube, isbn, isbn = '978-0-393-04002-9' FROM people ORDER BY isbn, spot",
    'SELECT \'q@r\'::mail, jsonb_populate_record(NULL::people, \'{"mail": "c@d"}\')',
    "SELECT CASE nick WHEN 'ann' THEN 1 END, nullif(nick, 'ANN'), greatest(nick, 'b'), upper(nick) FROM people",
    'SELECT * FROM people_view',
    'SELECT a.id FROM people a JOIN people b USING (nick) UNION SELECT 2',
  ]) {
    const { isError, text } = await tool.ask(sql);
    if (isError) wrong.push(`${sql}\n    ${text}`);
  }
  assert.deepEqual(wrong, []);
});
