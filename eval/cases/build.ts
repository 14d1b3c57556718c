/** A workflow from nothing, or from only its entry. */
import type { EvalCase } from '../case.ts';
import { between, config, count, FAULTLESS, has, leads, othersUntouched, trigger } from '../checks/graph.ts';
import { textOf } from '../checks/graph-facts.ts';
import { refusedAtMost } from '../checks/talk.ts';
import { EMPTY, START_ONLY } from '../project/graphs.ts';
import { AGENTS } from '../project/shop.ts';

const ANY = { name: /./ };

export const build: readonly EvalCase[] = [
  {
    id: 'build-daily-digest',
    about: 'a schedule, a query and a post, from an empty canvas',
    graph: EMPTY,
    turns: [
      {
        message:
          'Every day at 7 in the morning, Berlin time: count the open orders of the shop and POST the number to https://hooks.shop.test/digest.',
      },
    ],
    checks: [
      trigger('starter'),
      config(
        { type: 'starter' },
        'runs daily at seven in Berlin',
        ({ schedule_enabled: on, schedule_timezone: zone, schedule_cron: cron }) =>
          on === true && zone === 'Europe/Berlin' && /^0 0?7 \* \* (\*|0-6|1-7)$/.test(textOf(cron)),
      ),
      has({ type: 'platform_api', text: /orders/ }),
      config(
        { type: 'general_api', text: /hooks\.shop\.test\/digest/ },
        'posts the number',
        ({ method, body }) => method === 'POST' && /<[^>]+\.output/.test(JSON.stringify(body ?? '')),
      ),
      leads({ type: 'starter' }, { type: 'general_api' }),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-order-api',
    about: 'an input, a query and a response',
    graph: EMPTY,
    turns: [
      {
        message:
          'Build a workflow that takes an order_id, loads that order from the database and returns it to the caller.',
      },
    ],
    checks: [
      config({ type: 'starter' }, 'takes order_id', ({ input }) => Object.hasOwn(Object(input), 'order_id')),
      has({ type: 'platform_api', text: /orders/ }),
      config({ type: 'response' }, 'returns what was loaded', ({ output }) =>
        /<[^>]+\.output/.test(JSON.stringify(output ?? '')),
      ),
      leads({ type: 'starter' }, { type: 'response' }),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-webhook-reply',
    about: 'a webhook that an agent of the project answers',
    graph: EMPTY,
    turns: [
      {
        message:
          'Our shop posts customer questions to a webhook, as {"text": "..."}. Our agent Support Writer should answer them, and the answer goes back to the caller.',
      },
    ],
    checks: [
      trigger('webhook'),
      config({ type: 'agent' }, 'is the Support Writer', ({ agent_id: id }) => id === AGENTS.writer),
      between({ type: 'webhook' }, { type: 'agent' }, { type: 'response' }),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-two-ways',
    about: 'a condition with a response on each way',
    graph: START_ONLY,
    turns: [
      {
        message:
          'If order_id is empty, answer with status 400 and the text "order_id is missing". Otherwise load the order from the database and return it.',
      },
    ],
    checks: [
      config({ type: 'response' }, 'answers 400', ({ status_code: code }) => code === 400),
      has({ type: 'platform_api', text: /orders/ }),
      count({ type: 'response' }, 2),
      count({ type: 'condition' }, 1),
      leads({ type: 'condition' }, { type: 'response', text: /400/ }),
      leads({ type: 'condition' }, { type: 'platform_api' }),
      othersUntouched(),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-three-parallel',
    about: 'three calls at the same time whose answers are joined',
    graph: START_ONLY,
    turns: [
      {
        message:
          'Ask https://a.shop.test/price, https://b.shop.test/price and https://c.shop.test/price at the same time, put the three answers into one JSON object and return it.',
      },
    ],
    checks: [
      ...['a', 'b', 'c'].map((host) =>
        has({ type: 'general_api', text: new RegExp(`${host}\\.shop\\.test`) }),
      ),
      count({ type: 'general_api' }, 3),
      ...['a', 'b', 'c'].map((host) =>
        leads({ type: 'general_api', text: new RegExp(`${host}\\.shop\\.test`) }, { type: 'response' }),
      ),
      {
        says: 'no call waits for another',
        fault: (outcome) =>
          leads({ type: 'general_api' }, { type: 'general_api' }).fault(outcome) === null ? 'one does' : null,
      },
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-review-alarm',
    about: 'a classification by an inline agent, and a call on one way only',
    graph: EMPTY,
    turns: [
      {
        message:
          'A webhook gets customer reviews as {"body": "..."}. Let gpt-4o say whether a review is good or bad. Bad ones are POSTed to https://hooks.shop.test/bad-review. Every caller gets the text "thanks" back.',
      },
    ],
    checks: [
      trigger('webhook'),
      config({ type: 'agent' }, 'runs gpt-4o inline', ({ model, agent_id: id }) => model === 'gpt-4o' && !id),
      has({ type: 'condition' }),
      leads({ type: 'agent' }, { type: 'condition' }),
      leads({ type: 'condition' }, { type: 'general_api', text: /bad-review/ }),
      has({ type: 'response', text: /thanks/i }),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-sum',
    about: 'Python over a list that comes as input',
    graph: EMPTY,
    turns: [
      {
        message:
          'The input is a list of prices, called prices. Compute their sum and their average in Python and return both.',
      },
    ],
    checks: [
      config({ type: 'starter' }, 'takes prices', ({ input }) => Object.hasOwn(Object(input), 'prices')),
      config(
        { type: 'code' },
        'reads the input and assigns output',
        ({ code }) =>
          /input_data[\s\S]*prices[\s\S]*/.test(textOf(code)) && /^output\s*=/m.test(textOf(code)),
      ),
      between({ type: 'starter' }, { type: 'code' }, { type: 'response' }),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
  {
    id: 'build-tiers',
    about: 'three ways out of one condition that meet again',
    graph: START_ONLY,
    turns: [
      {
        message:
          'Load the order by its id. When its total is above 400, POST it to https://vip.shop.test; when it is above 100, POST it to https://standard.shop.test; otherwise call nobody. Always return the order.',
      },
    ],
    checks: [
      leads({ type: 'condition' }, { type: 'general_api', text: /vip\.shop\.test/ }),
      leads({ type: 'condition' }, { type: 'general_api', text: /standard\.shop\.test/ }),
      leads({ type: 'general_api', text: /vip/ }, { type: 'response' }),
      leads({ type: 'general_api', text: /standard/ }, { type: 'response' }),
      leads({ type: 'condition' }, { type: 'response' }, 'else'),
      has({ type: 'condition', text: /400[\s\S]*100/ }),
      leads({ type: 'starter' }, ANY),
      FAULTLESS,
      refusedAtMost(2),
    ],
  },
];
