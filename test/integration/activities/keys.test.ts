/** Keys stay where they are: everything that a run leaves behind is searched for them. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { after, before, test } from 'node:test';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { createLogger } from '../../../runtime/logger.ts';
import type { Script } from '../../support/fake-provider.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

// None looks like a key: what is searched for must not be hidden by the logs' own redaction.
const KEYS = [
  'marked_openai_key_0123456789',
  'marked_anthropic_key_012345678',
  'marked_gateway_key_0123456789',
];
const ECHO = `Incorrect key provided: ${KEYS.join(', ')}`;
let system: TurnSystem;
let logs = '';

before(async () => {
  const destination = new Writable({
    write(chunk: Buffer, _, done) {
      logs += chunk.toString();
      done();
    },
  });
  system = await startTurnSystem(
    {
      OPENAI_API_KEY: KEYS[0]!,
      ANTHROPIC_API_KEY: KEYS[1]!,
      GATEWAY_KEY: KEYS[2]!,
      COPILOT_MODELS: JSON.stringify([
        { id: 'gateway', base_url: 'http://127.0.0.1:9/v1', api_key_env: 'GATEWAY_KEY' },
      ]),
    },
    createLogger({ level: 'trace' }, destination),
  );
});
after(() => system.close());

test('no key is in logs, errors, events, rows, histories or prompts, though providers echo it', async () => {
  const { fake, db, connection, scripts, chat, newSession, call } = system;
  const headers = { 'x-request-id': KEYS[0]!, 'retry-after-ms': '1' };
  const failures: Record<string, Script> = {
    Denied: { error: { status: 401, headers, body: { error: { message: ECHO, code: 'invalid_api_key' } } } },
    Malformed: { error: { status: 400, headers, body: { error: { message: ECHO, param: KEYS[0] } } } },
    Page: { error: { status: 500, headers, body: `<html>${ECHO}</html>` } },
    Limited: { error: { status: 429, headers, body: { error: { message: ECHO, code: 'slow_down' } } } },
    Broken: {
      text: ['Half'],
      raw: `event: error\ndata: ${JSON.stringify({ type: 'error', code: 'server_error', message: ECHO })}\n\n`,
    },
    NoJson: { text: ['Half'], raw: `data: {"type": ${ECHO}\n\n` },
  };
  for (const [name, script] of Object.entries(failures))
    scripts.set(name, (_, n) => (n > 1 ? { text: ['Well then.'] } : script));
  const seen: unknown[] = [];
  const sessions: string[] = [];
  for (const name of Object.keys(failures)) {
    const session = await newSession();
    sessions.push(session.id);
    const { events, end } = await chat(session, { message: name });
    seen.push(events, await call('GET', `/api/copilot/sessions/${session.id}/messages`));
    assert.equal(end.event, ['Denied', 'Malformed'].includes(name) ? 'error' : 'complete', name);
  }
  // A server that is not there, asked with the key of its own.
  assert.equal((await call('PUT', '/api/copilot/settings/model', { model: 'gateway' })).status, 200);
  const session = await newSession();
  sessions.push(session.id);
  await chat(session, { message: 'Unreachable' }, async ({ event, message }, turnId) => {
    if (event === 'status' && /retry/.test(String(message)))
      await call('POST', `/api/copilot/sessions/${session.id}/turns/${turnId}/cancel`);
  });
  seen.push(await call('GET', '/api/copilot/settings/model'), await call('GET', '/api/copilot/usage'));

  assert.ok(fake.requests.every((request) => request.headers.authorization === `Bearer ${KEYS[0]}`));
  const assertClean = (where: string, text: string | Buffer): void => {
    for (const key of KEYS) assert.ok(!text.includes(key), `${key} is in ${where}`);
  };
  assertClean('what readers see', JSON.stringify(seen));
  assertClean('prompts', JSON.stringify(fake.requests.map(({ body }) => body)));
  assert.ok(logs.length > 1_000);
  assertClean('logs', logs);
  const { rows: tables } = await db.raw<{ rows: { name: string }[] }>(
    `select table_schema || '.' || table_name as name from information_schema.tables
     where table_schema not in ('pg_catalog', 'information_schema') and table_type = 'BASE TABLE'`,
  );
  assert.ok(tables.length > 20);
  for (const { name } of tables) {
    const { rows } = await db.raw<{ rows: { row: string }[] }>(`select t::text as row from ${name} t`);
    assertClean(name, JSON.stringify(rows));
  }
  const client = new Client({ connection });
  for (const id of sessions) {
    const history = await client.workflow.getHandle(`copilot-session-${id}`).fetchHistory();
    const bytes = Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish());
    assert.ok(bytes.includes(id), 'the bytes can be searched');
    assertClean('a history', bytes);
  }
});
