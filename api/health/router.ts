import { Router } from '@koa/router';
import type { ApiDeps } from '../deps.ts';

/** `/healthz`: the process lives. `/readyz`: it can serve, with the reasons when it can't. Both are open. */
export function createHealthRouter({ readiness }: Pick<ApiDeps, 'readiness'>): Router {
  const router = new Router();
  router.get('/healthz', (ctx) => {
    ctx.body = { ok: true };
  });
  router.get('/readyz', async (ctx) => {
    const { ok, problems } = await readiness();
    ctx.status = ok ? 200 : 503;
    ctx.body = ok ? { ok: true } : { error: `Not ready: ${problems.join('; ')}`, problems };
    ctx.set('Cache-Control', 'no-store');
  });
  return router;
}
