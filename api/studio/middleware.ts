/**
 * Serves the Studio page at `/` and its files at `/assets/`. They need no token, because they hold no data. The page uses
 * the API like any other client.
 */
import type { Context, Middleware } from 'koa';
import { HttpError } from '../http/http-error.ts';
import type { StudioFile, StudioState } from './files.ts';
import { explainMissingPage } from './missing-page.ts';

/** The policy: everything comes from this origin, without inline code, frames around the page, and forms that leave it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "font-src 'self'",
  "connect-src 'self'",
  "frame-ancestors 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ');
const SECURITY_HEADERS = {
  'Content-Security-Policy': POLICY,
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
};
const ASSETS = '/assets/';
/** The cache header of a file with a hash in its name, which never changes. */
const FOR_EVER = 'public, max-age=31536000, immutable';

/** Must stand before the authentication. */
export function createStudioMiddleware(readStudio: () => Promise<StudioState>): Middleware {
  return async function studio(ctx, next) {
    if (ctx.path !== '/' && !ctx.path.startsWith(ASSETS)) return next();
    if (ctx.method !== 'GET' && ctx.method !== 'HEAD')
      throw new HttpError(405, `This path takes GET and HEAD, not ${ctx.method}`, {}, { Allow: 'GET, HEAD' });
    ctx._matchedRoute = ctx.path === '/' ? '/' : '/assets/:name';
    const studio = await readStudio();
    ctx.set(SECURITY_HEADERS);
    if (ctx.path === '/') {
      ctx.set('Cache-Control', 'no-cache');
      if (studio.state === 'built') return send(ctx, studio.page.index);
      ctx.status = 503;
      ctx.set('Retry-After', '2');
      ctx.type = 'html';
      ctx.body = explainMissingPage(studio);
      return;
    }
    const file = studio.state === 'built' ? studio.page.assets.get(ctx.path.slice(ASSETS.length)) : undefined;
    if (!file) throw new HttpError(404, 'There is nothing at this path');
    ctx.set('Cache-Control', FOR_EVER);
    send(ctx, file);
  };
}

function send(ctx: Context, file: StudioFile): void {
  ctx.vary('Accept-Encoding');
  const zipped = ctx.acceptsEncodings('gzip', 'identity') === 'gzip' ? file.gzipped : null;
  const { body, etag } = zipped ?? file.plain;
  ctx.set({ ETag: etag, 'Content-Type': file.type });
  ctx.status = 200;
  if (ctx.fresh) {
    ctx.status = 304;
    return;
  }
  if (zipped !== null) ctx.set('Content-Encoding', 'gzip');
  ctx.body = body;
}
