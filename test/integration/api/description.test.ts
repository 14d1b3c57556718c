/** The description of the API as it is served, held to the router; and the page that shows it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createTestDatabase } from '../../support/api-database.ts';
import { startTestApi, type TestApi } from '../../support/test-api.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let api: TestApi;
before(async () => {
  database = await createTestDatabase();
  api = await startTestApi({ databaseUrl: database.url });
});
after(async () => {
  await api?.close();
  await database?.drop();
});

test('every route of the router is described, and nothing else is', async () => {
  const response = await fetch(`${api.url}/api/openapi.json`);
  assert.equal(response.status, 200);
  const { paths } = (await response.json()) as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(new Set(described), new Set(api.routes.map((route) => route.replace(/:(\w+)/g, '{$1}'))));
  assert.equal(described.length, api.routes.length);
});

test('the description and the files of its page are read again only when they have changed', async () => {
  for (const path of [
    '/api/openapi.json',
    '/docs',
    '/docs/start.js',
    '/docs/viewer.js',
    '/docs/viewer.css',
  ]) {
    const first = await fetch(api.url + path);
    const text = await first.text();
    const etag = first.headers.get('etag');
    assert.ok(first.status === 200 && etag && text.length > 100, path);
    const ask = (known: string) =>
      // Unless told otherwise, fetch asks for an answer that no cache may give.
      fetch(api.url + path, { headers: { 'If-None-Match': known, 'Cache-Control': 'max-age=0' } });
    const again = await ask(etag);
    assert.deepEqual([again.status, await again.text()], [304, ''], path);
    const other = await ask('"other"');
    assert.deepEqual([other.status, await other.text()], [200, text], path);
    const head = await fetch(api.url + path, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('etag'), await head.text()], [200, etag, ''], path);
    assert.equal(Number(head.headers.get('content-length')), Buffer.byteLength(text), path);
  }
});

test('a slash at the end of an open path changes nothing, and opens no other path', async () => {
  const answerOf = async (path: string) => {
    const response = await fetch(api.url + path);
    return [response.status, await response.text()];
  };
  for (const path of ['/docs', '/docs/start.js', '/api/openapi.json', '/healthz'])
    assert.deepEqual(await answerOf(`${path}/`), await answerOf(path), path);
  for (const path of ['/docs//', '/docs/x/', '/api/workflows/', '/api/block-types/', '//'])
    assert.equal((await answerOf(path))[0], 401, path);
  const posted = await fetch(`${api.url}/docs/`, { method: 'POST' });
  assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'HEAD, GET, OPTIONS']);
});

test('the page runs nothing and loads nothing but the files beside it', async () => {
  const page = await fetch(`${api.url}/docs`);
  const policy = page.headers.get('content-security-policy') ?? '';
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /frame-ancestors 'none'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  const html = await page.text();
  for (const [, attributes, content] of html.matchAll(/<script([^>]*)>([^<]*)<\/script>/g)) {
    assert.match(attributes!, / src="\/docs\//);
    assert.equal(content, '');
  }
  assert.doesNotMatch(html, /<style| style=| on\w+=|https?:/);
  for (const [, path] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const file = await fetch(api.url + path!);
    assert.equal(file.status, 200, path);
    assert.match(
      file.headers.get('content-type') ?? '',
      /^(?:text\/(?:css|javascript)|image\/png|application\/json)/,
    );
    await file.arrayBuffer();
  }
  assert.equal((await fetch(`${api.url}/docs/../package.json`, { headers: api.headers })).status, 404);
  assert.equal((await fetch(`${api.url}/docs/%2e%2e%2fpackage.json`, { headers: api.headers })).status, 404);
});
