/** A stream ends with the token that opened it, and a new token goes on where it ended. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/api-database.ts';
import {
  appendEvents,
  insertSession,
  insertTurn,
  signToken,
  startTestApi,
  type TestApi,
} from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
let session: { sessionId: string; workflowId: string };

before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({
    databaseUrl: database.url,
    turns: { start: async () => ({ turnId: await runningTurn(), attached: false }) },
  });
  session = await insertSession(api.db);
});
after(async () => {
  await api.close();
  await database.drop();
});

/** A turn that has said one thing and goes on for ever. */
async function runningTurn(): Promise<string> {
  const turnId = await insertTurn(api.db, session);
  await appendEvents(api.db, turnId, [{ event: 'content_delta', payload: { step: 1, delta: 'a' } }]);
  return turnId;
}

async function open(path: string, exp: number | undefined, chat: boolean): Promise<Response> {
  const response = await fetch(`${api.url}/api/copilot/sessions/${session.sessionId}/${path}`, {
    headers: {
      Authorization: `Bearer ${await signToken(exp === undefined ? { exp: undefined } : { exp })}`,
      'Content-Type': 'application/json',
    },
    ...(chat ? { method: 'POST', body: JSON.stringify({ message: 'hi' }) } : {}),
  });
  assert.equal(response.status, 200);
  return response;
}

for (const route of ['chat', 'events'] as const) {
  test(`a stream of ${route} closes when its token ends, and can be gone on with`, async () => {
    const exp = Math.ceil(Date.now() / 1_000) + 2;
    const path = route === 'chat' ? 'chat' : `turns/${await runningTurn()}/events`;
    const response = await open(path, exp, route === 'chat');
    // The stream ends in order: reading it to its end does not fail.
    const text = await response.text();
    assert.ok(Date.now() >= exp * 1_000, 'not before the end of the token');
    assert.match(text, /"delta":"a"/);
    const lastId = /id: (\d+)\n\n$/.exec(text.replaceAll(': ping\n\n', ''))?.[1];
    assert.ok(lastId, text);

    const turnId = response.headers.get('X-Turn-Id');
    const next = await fetch(
      `${api.url}/api/copilot/sessions/${session.sessionId}/turns/${turnId}/events?after=${lastId}`,
      { headers: api.headers },
    );
    await appendEvents(api.db, turnId!, [{ event: 'content_delta', payload: { step: 1, delta: 'b' } }]);
    const reader = next.body!.getReader();
    let more = '';
    while (!more.includes('"delta":"b"')) {
      const { value, done } = await reader.read();
      assert.ok(!done, 'the new stream goes on');
      more += Buffer.from(value).toString();
    }
    assert.ok(!more.includes('"delta":"a"'));
    await reader.cancel();
  });
}

test('a token without an end, and one within the leeway for clocks, keep their streams', async () => {
  const path = `turns/${await runningTurn()}/events`;
  const shortlived = await open(path, Math.ceil(Date.now() / 1_000) + 2, false);
  const others = await Promise.all([
    open(path, undefined, false),
    open(path, Math.floor(Date.now() / 1_000) - 5, false),
  ]);
  await shortlived.text();
  for (const { body } of others) {
    const reader = body!.getReader();
    const first = await reader.read();
    assert.ok(!first.done);
    const ended = await Promise.race([reader.closed.then(() => true), Promise.resolve(false)]);
    assert.equal(ended, false);
    await reader.cancel();
  }
});
