/** A block or a branch put into a workflow that works. */
import type { EvalCase } from '../case.ts';
import {
  between,
  config,
  count,
  has,
  hasNo,
  leads,
  othersUntouched,
  untouched,
  wired,
} from '../checks/graph.ts';
import { textOf } from '../checks/graph-facts.ts';
import { refusedAtMost } from '../checks/talk.ts';
import { CHECKS, LONG_CHAIN, START_ONLY, SUPPORT, TRIAGE, WEEKLY } from '../project/graphs.ts';
import { AGENTS } from '../project/shop.ts';

export const insert: readonly EvalCase[] = [
  {
    id: 'insert-notify',
    about: 'a call between two blocks of one branch',
    graph: TRIAGE,
    turns: [
      {
        message:
          'When a large order was summarised, POST the summary to https://hooks.shop.test/sales before the reply.',
      },
    ],
    checks: [
      between(
        { name: 'Summarise' },
        { type: 'general_api', text: /hooks\.shop\.test\/sales/ },
        { name: 'Reply' },
      ),
      config({ type: 'general_api' }, 'sends the summary', ({ body }) =>
        JSON.stringify(body ?? '').includes('<Summarise.output'),
      ),
      leads({ name: 'Large Order' }, { name: 'Reply' }, 'else'),
      othersUntouched(),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-first',
    about: 'a call right behind the trigger',
    graph: WEEKLY,
    turns: [{ message: 'Before the rates are fetched, call https://status.shop.test/ping with GET.' }],
    checks: [
      between(
        { name: 'Every Monday' },
        { type: 'general_api', text: /status\.shop\.test\/ping/ },
        { name: 'Fetch Rates' },
      ),
      othersUntouched(),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-branch',
    about: 'one more branch of a condition, and the classification that feeds it',
    graph: SUPPORT,
    turns: [
      {
        message:
          'Mails that are complaints should be a class of their own: POST their text to https://complaints.shop.test/new and answer with "We are on it".',
      },
    ],
    checks: [
      config({ name: 'Classify' }, 'knows complaints', ({ system_prompt: text }) =>
        /complain/i.test(textOf(text)),
      ),
      config({ name: 'Route' }, 'has a branch for complaints', ({ branches }) =>
        /complain/i.test(JSON.stringify(branches)),
      ),
      leads({ name: 'Route' }, { type: 'general_api', text: /complaints\.shop\.test/ }),
      has({ type: 'response', text: /We are on it/ }),
      leads({ name: 'Route' }, { name: 'Page On Call' }, 'if'),
      leads({ name: 'Route' }, { name: 'Draft Reply' }, 'else'),
      wired({ name: 'Route' }),
      othersUntouched('Classify', 'Route'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-fourth-check',
    about: 'one more branch of a split, and the join that reads it',
    graph: CHECKS,
    turns: [
      {
        message:
          'Add a fourth check that runs in parallel: GET https://address.shop.test/verify. Join should have its answer too, as "address".',
      },
    ],
    checks: [
      config({ name: 'All Checks' }, 'has four branches', ({ branches }) => branches === 4),
      leads({ name: 'All Checks' }, { type: 'general_api', text: /address\.shop\.test/ }, '4'),
      leads({ type: 'general_api', text: /address\.shop\.test/ }, { name: 'Join' }),
      config(
        { name: 'Join' },
        'reads the address',
        ({ code }) => /["']address["']/.test(textOf(code)) && /["']email["']/.test(textOf(code)),
      ),
      wired({ name: 'All Checks' }),
      othersUntouched('All Checks', 'Join'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-error-way',
    about: 'a condition on the status of a call',
    graph: WEEKLY,
    turns: [
      {
        message:
          'When the rates service does not answer with status 200, return status 502 with the text "no rates" instead of converting.',
      },
    ],
    checks: [
      has({ type: 'condition', text: /status_code/ }),
      config({ type: 'response' }, 'answers 502', ({ status_code: code }) => code === 502),
      leads({ name: 'Fetch Rates' }, { type: 'response', text: /502/ }),
      between({ name: 'Fetch Rates' }, { type: 'condition' }, { name: 'Convert' }),
      wired({ type: 'condition' }),
      othersUntouched(),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-in-long-chain',
    about: 'one block in the middle of many',
    graph: LONG_CHAIN,
    turns: [{ message: 'After Store 5, POST {"text": "half way"} to https://hooks.shop.test/progress.' }],
    checks: [
      between({ name: 'Store 5' }, { type: 'general_api', text: /half way/ }, { name: 'Fetch 6' }),
      count({ name: /./ }, LONG_CHAIN.blocks.length + 1),
      othersUntouched(),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-project-agent',
    about: 'an agent that the user knows by name, on the other branch',
    graph: TRIAGE,
    turns: [
      {
        message:
          'For orders that are not large, let the Support Writer write a thank-you mail before the reply.',
      },
    ],
    checks: [
      config({ type: 'agent' }, 'is the Support Writer', ({ agent_id: id }) => id === AGENTS.writer),
      leads({ name: 'Large Order' }, { type: 'agent', text: new RegExp(AGENTS.writer) }, 'else'),
      leads({ type: 'agent', text: new RegExp(AGENTS.writer) }, { name: 'Reply' }),
      wired({ name: 'Large Order' }),
      untouched('Start', 'Load Order', 'Large Order', 'Summarise'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'insert-schedule',
    about: 'a schedule on an entry that had none',
    graph: START_ONLY,
    turns: [{ message: 'Run this every 15 minutes.' }],
    checks: [
      config(
        { name: 'Start' },
        'runs every 15 minutes',
        (has) =>
          has.schedule_enabled === true &&
          ((has.schedule_interval_value === 15 && has.schedule_interval_unit === 'minutes') ||
            textOf(has.schedule_cron).startsWith('*/15 ')),
      ),
      config({ name: 'Start' }, 'still takes order_id', ({ input }) =>
        Object.hasOwn(Object(input), 'order_id'),
      ),
      hasNo({ type: ['webhook', 'code'] }),
      refusedAtMost(1),
    ],
  },
];
