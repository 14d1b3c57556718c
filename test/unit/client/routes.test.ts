/** The client has a method for every route of the API, and no other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { routes } from '../../../api/routes.ts';
import { clientOf, collect } from '../../support/client-streams.ts';
import { fakeFetch, json } from '../../support/fake-fetch.ts';

/** For operators and browsers. */
const NOT_FOR_CLIENTS = new Set(['/healthz', '/readyz', '/api/openapi.json']);

test('every route has a method', async () => {
  const fake = fakeFetch(({ url }) =>
    json(/\/(?:chat|events)$/.test(new URL(url).pathname) ? 404 : 200, { error: 'none' }),
  );
  const client = clientOf(fake);
  const { workflows, sessions, settings } = client;
  const graph = { blocks: [], edges: [] };
  await Promise.all([
    workflows.list(),
    workflows.create('x'),
    workflows.get('a'),
    workflows.saveGraph('a', graph),
    client.blockTypes(),
    sessions.create('a'),
    sessions.list('a'),
    sessions.newest('a'),
    sessions.delete('a'),
    sessions.messages('a'),
    settings.get(),
    settings.setModel('a'),
    client.usage(),
    client.audit(),
    client.snapshot('a', 'a', { nodes: [], edges: [] }),
    client.revert('a', 'a'),
    client.turn('a', 'a'),
    client.cancel('a', 'a'),
    client.confirm('a', 'a', 'a', { approved: true }),
    assert.rejects(collect(client.chat('a', { message: 'a' }))),
    assert.rejects(collect(client.events('a', 'a'))),
  ]);
  const asked = fake.requests.map(({ method, url }) => `${method} ${new URL(url).pathname}`);
  const served = routes
    .filter(({ path }) => path.startsWith('/api/') && !NOT_FOR_CLIENTS.has(path))
    .map(({ method, path }) => `${method.toUpperCase()} ${path.replaceAll(/:\w+/g, 'a')}`);
  assert.deepEqual(asked.toSorted(), served.toSorted());
});
