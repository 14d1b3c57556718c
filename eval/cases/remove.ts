/** Blocks and branches taken away, or switched off. */
import type { EvalCase } from '../case.ts';
import {
  AS_BEFORE,
  config,
  count,
  has,
  hasNo,
  leads,
  NO_CHANGE,
  othersUntouched,
  untouched,
  wired,
} from '../checks/graph.ts';
import { mentions, refusedAtMost } from '../checks/talk.ts';
import { SUPPORT, TRIAGE, UNFINISHED, WEEKLY } from '../project/graphs.ts';

export const remove: readonly EvalCase[] = [
  {
    id: 'remove-branch',
    about: 'a branch of a condition, with what stands on it',
    graph: SUPPORT,
    turns: [
      { message: 'Spam needs no way of its own any more: take that branch out. Treat it like normal mail.' },
    ],
    checks: [
      hasNo({ name: 'Ignored' }),
      config(
        { name: 'Route' },
        'has one branch',
        ({ branches }) => Array.isArray(branches) && branches.length === 1,
      ),
      leads({ name: 'Route' }, { name: 'Page On Call' }, 'if'),
      leads({ name: 'Route' }, { name: 'Draft Reply' }, 'else'),
      wired({ name: 'Route' }),
      untouched('Mail In', 'Page On Call', 'Draft Reply', 'Paged', 'Answer'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'remove-and-close',
    about: 'a block in the middle, whose neighbours are joined',
    graph: WEEKLY,
    turns: [{ message: 'Take out Convert and return the rates as they come.' }],
    checks: [
      hasNo({ name: 'Convert' }),
      leads({ name: 'Fetch Rates' }, { name: 'Report' }),
      has({ name: 'Report', text: /<Fetch Rates\.output/ }),
      untouched('Every Monday', 'Fetch Rates'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'remove-all',
    about: 'an empty canvas',
    graph: TRIAGE,
    turns: [{ message: 'Delete everything on the canvas, I start over.' }],
    checks: [count({ name: /./ }, 0), refusedAtMost(0)],
  },
  {
    id: 'remove-all-undone',
    about: 'an empty canvas that the user did not want after all',
    graph: SUPPORT,
    turns: [
      { message: 'Delete everything on the canvas.', change: 'undo' },
      { message: 'Oh no, sorry, I took that back. Which blocks do I have now?' },
    ],
    checks: [AS_BEFORE, mentions([/Classify/, /Route/, /Draft Reply/, /Page On Call/]), refusedAtMost(0)],
  },
  {
    id: 'remove-loose-end',
    about: 'what is connected to nothing',
    graph: UNFINISHED,
    turns: [{ message: 'Remove the block that is not connected to anything.' }],
    checks: [hasNo({ name: 'Notify' }), othersUntouched('Notify'), refusedAtMost(0)],
  },
  {
    id: 'remove-what-is-not-there',
    about: 'a block that does not exist',
    graph: TRIAGE,
    turns: [{ message: 'Delete the Slack block.' }],
    checks: [NO_CHANGE, mentions(/Slack/i), refusedAtMost(1)],
  },
  {
    id: 'remove-switch-off',
    about: 'a block that stays but does not run',
    graph: TRIAGE,
    turns: [{ message: 'Switch Summarise off for now, but keep it.' }],
    checks: [
      config({ name: 'Summarise' }, 'is switched off', (_, block) => !block.enabled),
      count({ name: /./ }, TRIAGE.blocks.length),
      othersUntouched('Summarise'),
      refusedAtMost(0),
    ],
  },
];
