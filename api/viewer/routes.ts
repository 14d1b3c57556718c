/** GET /docs: the description for people. Serves the files of Swagger UI under a strict policy. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { open } from '../http/access.ts';
import { type Asset, asset, toAsset } from '../http/answer.ts';
import { defineRoute, type Route } from '../http/route.ts';
import { PAGE, POLICY, START } from './page.ts';

const HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

/** A file of the viewer. It is read once. */
function viewerFile(name: string): () => Promise<Asset> {
  let file: Promise<Asset> | undefined;
  return () => {
    const folder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
    return (file ??= readFile(join(folder, name)).then(toAsset));
  };
}

function fileRoute(
  path: string,
  operationId: string,
  summary: string,
  contentType: string,
  read: () => Asset | Promise<Asset>,
): Route {
  return defineRoute({
    method: 'get',
    path,
    operationId,
    summary,
    tag: 'Description',
    access: open,
    input: {},
    answers: asset(contentType),
    prepare: async () => void (await read()),
    handle: async ({ answer }) => answer(await read(), HEADERS),
  });
}

const page = toAsset(PAGE);
const start = toAsset(START);

export const viewerRoutes = [
  fileRoute('/docs', 'getDocs', 'This document, for people', 'text/html', () => page),
  fileRoute('/docs/start.js', 'getDocsStart', 'Starts the viewer of /docs', 'text/javascript', () => start),
  fileRoute(
    '/docs/viewer.js',
    'getDocsScript',
    'The viewer of /docs',
    'text/javascript',
    viewerFile('swagger-ui-bundle.js'),
  ),
  fileRoute(
    '/docs/viewer.css',
    'getDocsStyle',
    'The style of /docs',
    'text/css',
    viewerFile('swagger-ui.css'),
  ),
  fileRoute(
    '/docs/favicon.png',
    'getDocsIcon',
    'The icon of /docs',
    'image/png',
    viewerFile('favicon-32x32.png'),
  ),
];
