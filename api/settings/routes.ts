/** The setting of the model that the copilot runs on. */
import { modelAnswer, modelChosenAnswer, modelRequest } from '../../contracts/http/settings.ts';
import { DEFAULT_MODEL } from '../../models/models.ts';
import { inLane } from '../../db/connection/lanes.ts';
import { findModelSetting, saveModelSetting } from '../../db/settings.ts';
import { catalogueOf } from '../../runtime/config.ts';
import { anyone, serviceOnly } from '../http/access.ts';
import { json } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import { actorOf } from '../http/principal.ts';
import { defineRoute } from '../http/route.ts';

const read = defineRoute({
  method: 'get',
  path: '/api/copilot/settings/model',
  operationId: 'getModel',
  summary: 'The model of the next turn, and what may be chosen',
  tag: 'Settings',
  access: anyone,
  input: {},
  answers: json(200, modelAnswer),
  async handle({ answer }, { db, config }) {
    const catalogue = catalogueOf(config);
    return answer({
      model: catalogue.effective(await findModelSetting(db)),
      default: DEFAULT_MODEL,
      options: catalogue.listOptions(),
    });
  },
});

const choose = defineRoute({
  method: 'put',
  path: '/api/copilot/settings/model',
  operationId: 'setModel',
  summary: 'Choose the model',
  description: 'It takes effect with the next turn of every session.',
  tag: 'Settings',
  access: serviceOnly('Only service_role may choose the model: it is the same for everyone'),
  input: { body: modelRequest },
  answers: json(200, modelChosenAnswer),
  async handle({ body, principal, requestId, answer }, { db, config }) {
    const options = catalogueOf(config).listOptions();
    const option = options.find(({ value }) => value === body.model);
    if (!option)
      throw new HttpError(400, `model must be one of ${options.map(({ value }) => value).join(', ')}`);
    await inLane(db, 'settings', () => saveModelSetting(db, option.value, actorOf(principal, requestId)));
    // A model without a key may be chosen, because its key may be set later. Until then chats answer 503.
    return answer({ ok: true, model: option.value, available: option.available });
  },
});

export const settingsRoutes = [read, choose];
