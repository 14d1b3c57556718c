import { usageAnswer, usageQuery } from '../../contracts/http/usage.ts';
import { sumUsageByModel } from '../../db/turns/usage-by-model.ts';
import { serviceOnly } from '../http/access.ts';
import { json } from '../http/answer.ts';
import { defineRoute } from '../http/route.ts';

/** The usage report of the platform, by model. */
const report = defineRoute({
  method: 'get',
  path: '/api/copilot/usage',
  operationId: 'getUsage',
  summary: 'Tokens and cost by model',
  tag: 'Usage',
  access: serviceOnly('Only service_role may read what the project has used'),
  input: { query: usageQuery },
  answers: json(200, usageAnswer),
  async handle({ query: { from, to }, answer }, { db }) {
    const { models, leftOut } = await sumUsageByModel(db, { from, to });
    return answer({
      from: from?.toISOString() ?? null,
      to: to?.toISOString() ?? null,
      models,
      ...(leftOut > 0 ? { models_left_out: leftOut } : {}),
    });
  },
});

export const usageRoutes = [report];
