/** Conversations: what was said, applied, undone or left before. */
import type { EvalCase } from '../case.ts';
import {
  between,
  config,
  count,
  FAULTLESS,
  has,
  hasNo,
  leads,
  NO_CHANGE,
  untouched,
} from '../checks/graph.ts';
import { called, mentions, refusedAtMost } from '../checks/talk.ts';
import { CHECKS, EMPTY, TRIAGE, WEEKLY } from '../project/graphs.ts';

export const conversations: readonly EvalCase[] = [
  {
    id: 'talk-undone',
    about: 'a change that the user took back stays away',
    graph: TRIAGE,
    turns: [
      { message: 'POST the summary to https://hooks.shop.test/sales after Summarise.', change: 'undo' },
      { message: 'I took that back. Just rename Reply to Answer.' },
    ],
    checks: [
      has({ name: 'Answer', type: 'response' }),
      hasNo({ text: /hooks\.shop\.test/ }),
      count({ name: /./ }, TRIAGE.blocks.length),
      untouched('Start', 'Load Order', 'Large Order', 'Summarise'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'talk-left',
    about: 'a proposal that the user did not apply, but wants in another way',
    graph: WEEKLY,
    turns: [
      { message: 'After Convert, send the result to https://hooks.shop.test/fx with POST.', change: 'leave' },
      { message: 'I have not applied that. Do the same with PUT.' },
    ],
    checks: [
      config(
        { type: 'general_api', text: /hooks\.shop\.test\/fx/ },
        'is a PUT',
        ({ method }) => method === 'PUT',
      ),
      count({ type: 'general_api', text: /hooks\.shop\.test\/fx/ }, 1),
      between({ name: 'Convert' }, { type: 'general_api', text: /fx/ }, { name: 'Report' }),
      untouched('Every Monday', 'Fetch Rates', 'Convert', 'Report'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'talk-refine',
    about: 'a workflow that grows over three turns',
    graph: EMPTY,
    turns: [
      {
        message:
          'I need a workflow that takes a city and GETs https://weather.shop.test/<city>. Return what it says.',
      },
      { message: 'Only return the temperature, which is in the field temp.' },
      {
        message:
          'When it is below 0, also POST {"text": "frost"} to https://hooks.shop.test/frost. Return the temperature in any case.',
      },
    ],
    checks: [
      config({ type: 'starter' }, 'takes a city', ({ input }) => Object.hasOwn(Object(input), 'city')),
      has({ type: 'general_api', text: /weather\.shop\.test/ }),
      leads({ type: 'condition' }, { type: 'general_api', text: /frost/ }),
      leads({ type: 'condition' }, { type: 'response' }),
      has({ type: 'response', text: /temp/i }),
      FAULTLESS,
      refusedAtMost(3),
    ],
  },
  {
    id: 'talk-follow-up',
    about: 'a question that makes sense only after the one before',
    graph: TRIAGE,
    turns: [{ message: 'How many orders are open?' }, { message: 'And how many of them are above 400?' }],
    checks: [
      called('execute_public_sql'),
      mentions(/\b20\b/, 1),
      mentions(/\b5\b|five/i, 2),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'talk-answer',
    about: 'the answer to a question of the copilot',
    graph: TRIAGE,
    turns: [
      { message: 'Add a notification.' },
      { message: 'POST to https://hooks.shop.test/sales, after Summarise, with the summary as text.' },
    ],
    checks: [
      between(
        { name: 'Summarise' },
        { type: 'general_api', text: /hooks\.shop\.test\/sales/ },
        { name: 'Reply' },
      ),
      count({ type: 'general_api' }, 1),
      untouched('Start', 'Load Order', 'Large Order', 'Summarise', 'Reply'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'talk-six-turns',
    about: 'six small changes, one after the other',
    graph: CHECKS,
    turns: [
      { message: 'Rename Done to Result.' },
      { message: 'Fraud Check should be a POST.' },
      { message: 'Switch Stock Check off.' },
      { message: 'And on again.' },
      { message: 'Give Result the status 201.' },
      { message: 'Which blocks did we change, all in all?' },
    ],
    checks: [
      config({ name: 'Result', type: 'response' }, 'answers 201', ({ status_code: code }) => code === 201),
      config({ name: 'Fraud Check' }, 'is a POST', ({ method }) => method === 'POST'),
      untouched('Start', 'All Checks', 'Email Check', 'Stock Check', 'Join'),
      mentions([/Result/, /Fraud Check/]),
      refusedAtMost(1),
    ],
  },
];
