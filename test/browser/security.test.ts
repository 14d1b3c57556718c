/** What the page's policy stops: code from elsewhere or inline, a frame around the page, data that leaves. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after } from 'node:test';
import { describeInBrowser } from '../support/browser.ts';
import { listenLocally } from '../support/listen.ts';

const { browserTest } = describeInBrowser();
const reached: string[] = [];
const elsewhere = createServer((request, response) => {
  reached.push(request.url ?? '');
  response.setHeader('Content-Type', 'text/html');
  const target = new URL(request.url ?? '', 'http://a').searchParams.get('frame');
  response.end(target === null ? '' : `<title>frame</title><iframe src="${target}"></iframe>`);
});
const { port, close } = await listenLocally(elsewhere);
after(close);

browserTest('another site can’t frame the page', async ({ browser, system }) => {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://localhost:${port}/?frame=${encodeURIComponent(system.url)}`);
  const frame = page.frames()[1];
  assert.ok(frame);
  await frame.waitForLoadState();
  assert.equal(await frame.locator('#root').count(), 0);
  await page.context().close();
});

browserTest('nothing inline runs, nothing is loaded from or sent to elsewhere', async ({ open }) => {
  const { page, takeProblems } = await open();
  await page.getByRole('region', { name: 'Canvas' }).waitFor();
  takeProblems();
  reached.length = 0;
  await page.evaluate(`(() => {
    window.violated = new Set();
    document.addEventListener('securitypolicyviolation', (event) => window.violated.add(event.effectiveDirective));
    const tried = (name, act) => { try { act(); } catch (error) { window.refused = [...(window.refused ?? []), name]; } };
    const add = (tag, set) => { const made = document.createElement(tag); Object.assign(made, set); document.body.append(made); };
    tried('markup', () => { document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="window.ran = 1">'); });
    tried('inline', () => add('script', { textContent: 'window.ran = 2' }));
    tried('script', () => add('script', { src: 'http://localhost:${port}/script.js' }));
    tried('image', () => add('img', { src: 'http://localhost:${port}/pixel.png' }));
    tried('style', () => add('link', { rel: 'stylesheet', href: 'http://localhost:${port}/style.css' }));
    tried('frame', () => add('iframe', { src: 'http://localhost:${port}/frame.html' }));
    fetch('http://localhost:${port}/steal?key=1').catch(() => { window.refused = [...(window.refused ?? []), 'fetch']; });
  })()`);
  await page.waitForFunction(
    `window.refused.includes('fetch') &&
      ['img-src', 'style-src-elem', 'frame-src', 'connect-src'].every((directive) => window.violated.has(directive))`,
  );
  assert.equal(await page.evaluate('window.ran'), undefined);
  assert.deepEqual(await page.evaluate('window.refused'), ['markup', 'inline', 'script', 'fetch']);
  assert.deepEqual(reached, []);
  assert.ok(takeProblems().length >= 4);
  await page.context().close();
});

browserTest('no request carries the key but in its header', async ({ open, system }) => {
  const { page } = await open({ withKey: false, path: '/' });
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  const link = `${system.url}/#key=${system.headers.Authorization?.slice('Bearer '.length) ?? ''}`;
  await page.goto('about:blank');
  await page.goto(link);
  await page.getByRole('region', { name: 'Canvas' }).waitFor();
  await page.waitForLoadState('networkidle');
  assert.ok(urls.some((url) => url.includes('/api/workflows')));
  // The first request's own address has the fragment in the browser; it is never sent.
  assert.deepEqual(
    urls.filter((url) => /eyJ/.test(url.split('#')[0]!)),
    [],
  );
  // Nor is it in the browser's history.
  await page.goBack();
  await page.goForward();
  assert.doesNotMatch(page.url(), /eyJ/);
  await page.context().close();
});
