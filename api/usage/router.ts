import { Router } from '@koa/router';
import { sumUsageByModel } from '../../db/turns/usage-by-model.ts';
import type { ApiDeps } from '../deps.ts';
import { HttpError } from '../http/http-error.ts';
import { requireService } from '../http/principal.ts';
import type { RequestState } from '../http/request-state.ts';
import { parseTime } from './schema.ts';

/** GET usage: the platform's bill, per model. */
export function createUsageRouter(deps: ApiDeps): Router {
  const router = new Router();
  router.get('/api/copilot/usage', async (ctx) => {
    const { principal } = ctx.state as RequestState;
    requireService(principal, 'Only service_role may read what the project has used');
    const from = parseTime('from', ctx.query.from);
    const to = parseTime('to', ctx.query.to);
    if (from && to && from > to) throw new HttpError(400, 'from must not be later than to');
    const { models, leftOut } = await sumUsageByModel(deps.db, { from, to });
    ctx.body = {
      from: from?.toISOString() ?? null,
      to: to?.toISOString() ?? null,
      models,
      ...(leftOut > 0 ? { models_left_out: leftOut } : {}),
    };
  });
  return router;
}
