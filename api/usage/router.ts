import { Router } from '@koa/router';
import { sumUsageByModel } from '../../db/turns/usage.ts';
import type { ApiDeps } from '../deps.ts';
import { HttpError } from '../http/http-error.ts';
import { requireService } from '../http/principal.ts';
import type { RequestState } from '../http/request-state.ts';

/** ISO 8601: a day, or a time with its offset. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2}))?$/;

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

/** A day means its begin in UTC. Throws HttpError 400 that names the parameter. */
function parseTime(name: string, value: string | string[] | undefined): Date | null {
  if (value === undefined || value === '') return null;
  // A plus sign that was not encoded arrives as a space.
  const text = typeof value === 'string' ? value.replace(' ', '+') : '';
  const time = new Date(text);
  if (!TIME.test(text) || Number.isNaN(time.getTime()))
    throw new HttpError(
      400,
      `${name} must be a date such as 2026-01-31 or a time such as 2026-01-31T12:00:00Z`,
    );
  return time;
}
