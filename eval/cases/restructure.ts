/** Another order, another trigger, another setting. */
import type { EvalCase } from '../case.ts';
import {
  config,
  count,
  FAULTLESS,
  has,
  hasNo,
  leads,
  othersUntouched,
  trigger,
  untouched,
  wired,
} from '../checks/graph.ts';
import { textOf } from '../checks/graph-facts.ts';
import { refusedAtMost } from '../checks/talk.ts';
import { CHECKS, SUPPORT, TRIAGE, UNFINISHED, WEEKLY } from '../project/graphs.ts';

export const restructure: readonly EvalCase[] = [
  {
    id: 'restructure-in-a-row',
    about: 'parallel branches become a row',
    graph: CHECKS,
    turns: [
      { message: 'Do not run the checks in parallel. First email, then fraud, then stock, then join.' },
    ],
    checks: [
      hasNo({ type: 'split' }),
      leads({ name: 'Email Check' }, { name: 'Fraud Check' }),
      leads({ name: 'Fraud Check' }, { name: 'Stock Check' }),
      leads({ name: 'Stock Check' }, { name: 'Join' }),
      othersUntouched('All Checks', 'Email Check', 'Fraud Check', 'Stock Check', 'Join'),
      FAULTLESS,
      refusedAtMost(1),
    ],
  },
  {
    id: 'restructure-one-response',
    about: 'three ends become one',
    graph: SUPPORT,
    turns: [
      {
        message: 'I want one response at the end in place of the three, with status 200 and the text "done".',
      },
    ],
    checks: [
      count({ type: 'response' }, 1),
      has({ type: 'response', text: /done/i }),
      ...['if', 'elif_1', 'else'].map((handle) => leads({ name: 'Route' }, { type: 'response' }, handle)),
      untouched('Mail In', 'Classify', 'Route', 'Page On Call', 'Draft Reply'),
      FAULTLESS,
      refusedAtMost(1),
    ],
  },
  {
    id: 'restructure-webhook',
    about: 'another trigger, with what refers to the old one',
    graph: TRIAGE,
    turns: [{ message: 'Start this by a webhook and no longer by hand. The body is {"order_id": 17}.' }],
    checks: [
      trigger('webhook'),
      hasNo({ type: 'starter' }),
      config({ name: 'Load Order' }, 'reads the body', ({ params }) =>
        /order_id>/.test(JSON.stringify(params)),
      ),
      leads({ type: 'webhook' }, { name: 'Load Order' }),
      untouched('Large Order', 'Summarise', 'Reply'),
      FAULTLESS,
      refusedAtMost(1),
    ],
  },
  {
    id: 'restructure-threshold',
    about: 'one number of one expression',
    graph: TRIAGE,
    turns: [{ message: 'An order is large from 250 on.' }],
    checks: [
      config({ name: 'Large Order' }, 'compares with 250', ({ branches }) =>
        /<Load Order\.output\.total> *(>=|>) *(250|249\.99)/.test(JSON.stringify(branches)),
      ),
      othersUntouched('Large Order'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'restructure-inline-agent',
    about: 'an agent of the project becomes one of the block',
    graph: TRIAGE,
    turns: [
      {
        message:
          'Summarise should not use the Order Analyst any more but gpt-4.1 directly, with the instruction "One short sentence." and temperature 0.',
      },
    ],
    checks: [
      config(
        { name: 'Summarise' },
        'is an inline agent',
        (has) =>
          !has.agent_id &&
          has.model === 'gpt-4.1' &&
          has.temperature === 0 &&
          /One short sentence/.test(textOf(has.system_prompt)) &&
          /<Load Order\.output>/.test(textOf(has.input)),
      ),
      othersUntouched('Summarise'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'restructure-move',
    about: 'only the place of a block',
    graph: TRIAGE,
    turns: [{ message: 'Move Summarise to the right side: x 650, same height.' }],
    checks: [
      config(
        { name: 'Summarise' },
        'stands at 650, 650',
        (_, { position }) => position.x === 650 && position.y === 650,
      ),
      othersUntouched('Summarise'),
      refusedAtMost(0),
    ],
  },
  {
    id: 'restructure-request',
    about: 'method and headers of a call',
    graph: WEEKLY,
    turns: [{ message: 'Fetch the rates with POST, and send the header Accept: application/json.' }],
    checks: [
      config(
        { name: 'Fetch Rates' },
        'posts with the header',
        ({ method, headers, url }) =>
          method === 'POST' &&
          /"accept":"application\/json"/i.test(JSON.stringify(headers)) &&
          url === 'https://rates.shop.test/latest?base=EUR',
      ),
      othersUntouched('Fetch Rates'),
      refusedAtMost(0),
    ],
  },
  {
    id: 'restructure-finish',
    about: 'a workflow that was left half done',
    graph: UNFINISHED,
    turns: [
      {
        message:
          'Finish this: an unknown order gets status 404. Call Notify before Found, and switch Notify on.',
      },
    ],
    checks: [
      config({ name: 'Notify' }, 'is switched on', (_, { enabled }) => enabled),
      leads({ name: 'Known Order' }, { name: 'Notify' }, 'if'),
      leads({ name: 'Notify' }, { name: 'Found' }),
      leads({ name: 'Known Order' }, { type: 'response', text: /404/ }, 'else'),
      wired({ name: 'Known Order' }),
      untouched('Start', 'Known Order'),
      FAULTLESS,
      refusedAtMost(1),
    ],
  },
];
