/** The built page in memory. A request can only name a file of this table, never a path. */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

/** The bytes of a file under one content coding. Each coding has an ETag of its own (RFC 9110, 8.8.3.3). */
export interface Representation {
  body: Buffer;
  etag: string;
}

export interface StudioFile {
  plain: Representation;
  /** Null when compression gains nothing. */
  gzipped: Representation | null;
  /** Media type. */
  type: string;
}

export interface StudioPage {
  index: StudioFile;
  /** By file name, such as `index-B1x2.js`. */
  assets: ReadonlyMap<string, StudioFile>;
}

export type StudioState =
  | { state: 'built'; page: StudioPage }
  | { state: 'failed'; reason: string }
  | { state: 'missing' };

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};
const COMPRESSED = new Set(['.html', '.js', '.css', '.svg']);
const compress = promisify(gzip);

/** Reads `studio/dist` of a folder at the first request, and again whenever a build has replaced it. */
export function createStudioFiles(studioFolder: string): () => Promise<StudioState> {
  const dist = join(studioFolder, 'dist');
  let loaded: { mark: number; page: Promise<StudioPage> } | null = null;
  return async () => {
    const reason = await readFile(join(studioFolder, 'dist.failed'), 'utf8').catch(() => null);
    if (reason !== null) return { state: 'failed', reason };
    const mark = await stat(join(dist, 'index.html')).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
    // While a build replaces the old folder, there is no folder for a moment.
    if (mark !== null && loaded?.mark !== mark) {
      const page = readPage(dist);
      const next = { mark, page };
      page.catch(() => {
        if (loaded === next) loaded = null;
      });
      loaded = next;
    }
    const page = await loaded?.page.catch(() => undefined);
    return page ? { state: 'built', page } : { state: 'missing' };
  };
}

async function readPage(dist: string): Promise<StudioPage> {
  const names = await readdir(join(dist, 'assets'));
  const assets = await Promise.all(
    names
      .filter((name) => extname(name) in TYPES)
      .map(async (name) => [name, await readStudioFile(join(dist, 'assets', name))] as const),
  );
  return { index: await readStudioFile(join(dist, 'index.html')), assets: new Map(assets) };
}

async function readStudioFile(path: string): Promise<StudioFile> {
  const body = await readFile(path);
  const extension = extname(path);
  const hash = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  return {
    plain: { body, etag: `"${hash}"` },
    gzipped: COMPRESSED.has(extension) ? { body: await compress(body), etag: `"${hash}-gzip"` } : null,
    type: TYPES[extension]!,
  };
}
