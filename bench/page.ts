/** The page in the machine's Chromium: what it loads, and how long its main thread is held. */
import { randomUUID } from 'node:crypto';
import type { Page } from 'playwright-core';
import type { Block, Edge } from '../domain/graph/graph.ts';
import { CHROMIUM, launchBrowser, openStudio } from '../test/support/browser.ts';
import type { BenchSystem } from './bench-system.ts';
import { measureOpening, measureStreaming } from './page-conversation.ts';
import { traceMainThread } from './page-trace.ts';
import { percentile, printTable, round } from './stats.ts';

const BLOCKS = 500;
const COLUMNS = 20;
const MOVES = 90;
const PIECES = 10_000;
const STORED_PIECES = 2_000;
const FRAME_MS = 1_000 / 60;

export async function benchPage({ ready }: BenchSystem): Promise<void> {
  if (CHROMIUM === null) {
    console.log('\npage: no Chromium on this machine');
    return;
  }
  const workflowId = await makeLargeWorkflow(ready);
  const browser = await launchBrowser();
  try {
    const { page } = await openStudio(browser, ready.url, {
      path: `/?workflow=${workflowId}`,
      key: ready.key,
    });
    await page.locator('.block').first().waitFor();
    const load = await measureLoad(page, `${ready.url}/?workflow=${workflowId}`);
    await page.locator('.block').first().waitFor();
    const overview = await traceMainThread(browser, () => pan(page));
    const zoom = await traceMainThread(browser, () => zoomInAndOut(page));
    await zoomTo(page);
    const near = await traceMainThread(browser, () => pan(page));
    const streaming = await measureStreaming(browser, page, PIECES);
    const opening = await measureOpening(page, STORED_PIECES);
    printTable(
      `The page, ${BLOCKS} blocks`,
      ['figure', 'value', 'target'],
      [
        ['first load, compressed', `${round(load.bytes / 1024)} KB`, '400 KB'],
        ['first paint after the address was entered', `${round(load.paintMs)} ms`, ''],
        ...[
          { name: 'pan, all blocks in view', trace: overview },
          { name: 'zoom in and out', trace: zoom },
          { name: 'pan, zoomed in', trace: near },
        ].map(({ name, trace }) => [
          `${name}: processor time of a frame, p50, p95`,
          `${round(percentile(trace.frames, 0.5))} ms, ${round(percentile(trace.frames, 0.95))} ms`,
          `${round(FRAME_MS)} ms`,
        ]),
        [`longest task while ${PIECES} pieces stream`, `${round(streaming)} ms`, '50 ms'],
        [`opening a finished turn of ${STORED_PIECES} pieces`, `${round(opening)} ms`, '1000 ms'],
      ],
    );
  } finally {
    await browser.close();
  }
}

async function makeLargeWorkflow({ url, key }: BenchSystem['ready']): Promise<string> {
  const call = async (method: string, path: string, body: unknown): Promise<{ id: string }> => {
    const response = await fetch(url + path, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { id: string };
  };
  const { id } = await call('POST', '/api/workflows', { name: `${BLOCKS} blocks` });
  const blocks = Array.from(
    { length: BLOCKS },
    (_, index): Block => ({
      id: randomUUID(),
      ...(index === 0
        ? { type: 'starter', config: { input: {} } }
        : index % 7 === 0
          ? { type: 'condition', config: { branches: [{ expression: '1 > 0' }] } }
          : { type: 'code', config: { code: 'output = 1', language: 'python' } }),
      name: `Block ${index}`,
      position: { x: (index % COLUMNS) * 320, y: Math.floor(index / COLUMNS) * 200 },
      enabled: true,
    }),
  );
  const edges: Edge[] = blocks.slice(1).map(({ id: target }, index) => ({
    source: blocks[index]!.id,
    target,
    ...(blocks[index]!.type === 'condition' ? { sourceHandle: 'if' } : {}),
  }));
  await call('PUT', `/api/workflows/${id}/graph`, { blocks, edges });
  return id;
}

/** Loads the page with an empty cache: what is transferred of its own files, and when something is to be seen. */
async function measureLoad(page: Page, address: string): Promise<{ bytes: number; paintMs: number }> {
  const session = await page.context().newCDPSession(page);
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  const own = new Set<string>();
  let bytes = 0;
  session.on('Network.responseReceived', ({ requestId, response }) => {
    const { pathname } = new URL(response.url);
    if (pathname === '/' || pathname.startsWith('/assets/')) own.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (own.has(requestId)) bytes += encodedDataLength;
  });
  await page.goto(address, { waitUntil: 'networkidle' });
  const paintMs = await page.evaluate<number>(
    `performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN`,
  );
  await session.detach();
  return { bytes, paintMs };
}

async function pan(page: Page): Promise<void> {
  const area = await page.getByRole('region', { name: 'Canvas' }).boundingBox();
  if (!area) throw new Error('there is no canvas');
  // The left edge, where no block lies under the pointer.
  const from = { x: area.x + 8, y: area.y + area.height - 160 };
  await page.mouse.move(from.x, from.y);
  await page.mouse.down();
  for (let move = 1; move <= MOVES; move += 1)
    await page.mouse.move(from.x + (move / MOVES) * 400, from.y - (move / MOVES) * 300);
  await page.mouse.up();
}

async function zoomInAndOut(page: Page): Promise<void> {
  await page.mouse.move(500, 500);
  for (let step = 0; step < MOVES; step += 1) await page.mouse.wheel(0, step < MOVES / 2 ? -40 : 40);
}

async function zoomTo(page: Page): Promise<void> {
  const zoomIn = page.getByRole('button', { name: 'Zoom in' });
  for (let step = 0; step < 9; step += 1) await zoomIn.click();
}
