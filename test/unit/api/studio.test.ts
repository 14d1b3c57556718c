import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import Koa from 'koa';
import { createErrorMiddleware } from '../../../api/middleware/errors.ts';
import { createJsonAnswerMiddleware } from '../../../api/middleware/json-answer.ts';
import { createStudioFiles } from '../../../api/studio/files.ts';
import { createStudioMiddleware } from '../../../api/studio/middleware.ts';
import { listenLocally } from '../../support/listen.ts';
import { silentLogger } from '../../support/test-api.ts';

const folder = mkdtempSync(join(tmpdir(), 'copilot-studio-'));
const dist = join(folder, 'dist');
const app = new Koa();
app.use(createErrorMiddleware(silentLogger));
app.use(createJsonAnswerMiddleware());
app.use(createStudioMiddleware(createStudioFiles(folder)));
app.use((ctx) => {
  ctx.status = 404;
  ctx.body = { error: 'There is nothing at this path' };
});
const handle = app.callback();
const { port, close } = await listenLocally(
  createServer((request, response) => {
    handle(request, response).catch(() => response.destroy());
  }),
);
const url = `http://127.0.0.1:${port}`;
after(async () => {
  await close();
  rmSync(folder, { recursive: true });
});

function build(text: string): void {
  mkdirSync(join(dist, 'assets'), { recursive: true });
  writeFileSync(join(dist, 'index.html'), `<!doctype html><title>${text}</title>`);
  writeFileSync(join(dist, 'assets/index-abc.js'), `export const text = '${text}';\n`.repeat(100));
  writeFileSync(join(dist, 'assets/mark-abc.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  writeFileSync(join(dist, 'assets/notes.txt'), 'no file of the page');
}

beforeEach(() => {
  rmSync(dist, { recursive: true, force: true });
  rmSync(join(folder, 'dist.failed'), { force: true });
});

test('the page is checked for a newer one each time, its hashed files never', async () => {
  build('one');
  const page = await fetch(url);
  assert.equal(page.status, 200);
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.equal(page.headers.get('cache-control'), 'no-cache');
  assert.match(await page.text(), /<title>one/);
  const again = await fetch(url, {
    headers: { 'If-None-Match': page.headers.get('etag')!, 'Cache-Control': 'max-age=0' },
  });
  assert.equal(again.status, 304);
  const script = await fetch(`${url}/assets/index-abc.js`);
  assert.equal(script.headers.get('content-type'), 'text/javascript; charset=utf-8');
  assert.match(script.headers.get('cache-control')!, /immutable/);
  assert.equal(script.headers.get('content-encoding'), 'gzip');
  assert.match(await script.text(), /export const text/);
  const plain = await fetch(`${url}/assets/index-abc.js`, { headers: { 'Accept-Encoding': 'identity' } });
  assert.equal(plain.headers.get('content-encoding'), null);
  const head = await fetch(`${url}/assets/mark-abc.svg`, { method: 'HEAD' });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-type'), 'image/svg+xml');
  assert.equal(await head.text(), '');
});

test('the gzipped and the plain bytes of a file have tags of their own, and each is known by its own', async () => {
  build('one');
  for (const path of ['/', '/assets/index-abc.js']) {
    const ask = (encoding: string, known?: string) =>
      fetch(url + path, {
        headers: {
          'Accept-Encoding': encoding,
          ...(known === undefined ? {} : { 'If-None-Match': known, 'Cache-Control': 'max-age=0' }),
        },
      });
    const [zipped, plain] = await Promise.all([ask('gzip'), ask('identity')]);
    const [zippedTag, plainTag] = [zipped.headers.get('etag')!, plain.headers.get('etag')!];
    assert.notEqual(zippedTag, plainTag, path);
    for (const [encoding, known, status] of [
      ['gzip', zippedTag, 304],
      ['gzip', plainTag, 200],
      ['identity', plainTag, 304],
      ['identity', zippedTag, 200],
      ['identity', `${zippedTag}, ${plainTag}`, 304],
    ] as const) {
      const answer = await ask(encoding, known);
      assert.equal(answer.status, status, `${path} ${encoding} ${known}`);
      assert.equal(answer.headers.get('etag'), encoding === 'gzip' ? zippedTag : plainTag);
    }
  }
});

test('the headers allow nothing but the own origin, and no frame', async () => {
  build('one');
  for (const path of ['/', '/assets/index-abc.js']) {
    const { headers } = await fetch(url + path);
    const policy = headers.get('content-security-policy')!.split('; ');
    assert.deepEqual(
      policy.filter((directive) => /unsafe|https?:|\*|data:|blob:/.test(directive)),
      [],
    );
    for (const directive of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
    ])
      assert.ok(policy.includes(directive), directive);
    assert.equal(headers.get('x-content-type-options'), 'nosniff');
    assert.equal(headers.get('referrer-policy'), 'no-referrer');
    assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin');
  }
});

test('a path names a file of the page or nothing', async () => {
  build('one');
  writeFileSync(join(folder, 'secret.js'), 'secret');
  for (const path of [
    '/assets/',
    '/assets/other.js',
    '/assets/notes.txt',
    '/assets/../../secret.js',
    '/assets/..%2f..%2fsecret.js',
    '/assets/%2e%2e/%2e%2e/secret.js',
    '/assets/..\\..\\secret.js',
    '/assets/constructor',
    '/assets/__proto__',
    '/index.html',
    '/dist.failed',
  ]) {
    const answer = await rawGet(path);
    assert.match(answer, /^HTTP\/1\.1 404 /, path);
    assert.match(answer, /"error"/, path);
    assert.doesNotMatch(answer, /secret|no file of the page/, path);
  }
  const posted = await fetch(url, { method: 'POST' });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.get('allow'), 'GET, HEAD');
});

test('a new build is served at once, and the old one while the folder is away', async () => {
  build('one');
  assert.match(await (await fetch(url)).text(), /one/);
  rmSync(dist, { recursive: true });
  assert.match(await (await fetch(url)).text(), /one/);
  build('two');
  utimesSync(join(dist, 'index.html'), new Date(), new Date(Date.now() + 5_000));
  assert.match(await (await fetch(url)).text(), /two/);
});

test('a build that failed is told with its reason, as text', async () => {
  writeFileSync(join(folder, 'dist.failed'), `Unexpected token <script>alert(1)</script>`);
  const page = await fetch(url);
  assert.equal(page.status, 503);
  const text = await page.text();
  assert.match(text, /could not be built/);
  assert.match(text, /Unexpected token &lt;script&gt;/);
  assert.doesNotMatch(text, /<script/);
  assert.ok(page.headers.has('content-security-policy'));
});

/** Sends a path as it is: fetch would resolve its dots. */
function rawGet(path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
    });
    let text = '';
    socket.on('data', (chunk: Buffer) => (text += chunk.toString()));
    socket.on('end', () => resolve(text));
    socket.on('error', reject);
  });
}
