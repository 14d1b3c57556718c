/** Which model the copilot runs on. */
import { Router } from '@koa/router';
import { DEFAULT_MODEL } from '../../models/models.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { findModelSetting, saveModelSetting } from '../../db/settings.ts';
import { catalogueOf } from '../../runtime/config.ts';
import type { ApiDeps } from '../deps.ts';
import { HttpError } from '../http/http-error.ts';
import { requireService } from '../http/principal.ts';
import type { RequestState } from '../http/request-state.ts';

/** Routes under /api/copilot/settings. */
export function createSettingsRouter(deps: ApiDeps): Router {
  const router = new Router({ prefix: '/api/copilot/settings' });
  const catalogue = catalogueOf(deps.config);
  const options = catalogue.listOptions();

  router.get('/model', async (ctx) => {
    ctx.body = {
      model: catalogue.effective(await findModelSetting(deps.db)),
      default: DEFAULT_MODEL,
      options,
    };
  });

  router.put('/model', async (ctx) => {
    const { principal, body } = ctx.state as RequestState;
    requireService(principal, 'Only service_role may choose the model: it is the same for everyone');
    const { model } = body;
    if (model === undefined || model === null || model === '') throw new HttpError(400, 'model is required');
    const option = options.find(({ value }) => value === model);
    if (!option)
      throw new HttpError(400, `model must be one of ${options.map(({ value }) => value).join(', ')}`);
    await inLane(deps.db, 'settings', () => saveModelSetting(deps.db, option.value));
    // A model without a key may be chosen, for its key may come later; until then chats answer 503.
    ctx.body = { ok: true, model: option.value, available: option.available };
  });

  return router;
}
