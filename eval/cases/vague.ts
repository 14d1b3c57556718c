/** Requests that can be read in several ways. */
import type { EvalCase } from '../case.ts';
import { NO_CHANGE } from '../checks/graph.ts';
import { ASKS, mentions, notCalled, refusedAtMost } from '../checks/talk.ts';
import { SUPPORT, TRIAGE } from '../project/graphs.ts';

export const vague: readonly EvalCase[] = [
  {
    id: 'vague-better',
    about: 'an improvement of nothing in particular',
    graph: TRIAGE,
    turns: [{ message: 'Make it better.' }],
    checks: [ASKS, NO_CHANGE, refusedAtMost(0)],
  },
  {
    id: 'vague-which-agent',
    about: 'one of two agents',
    graph: SUPPORT,
    turns: [{ message: 'Use a cheaper model for the agent.' }],
    checks: [mentions([/Classify/, /Draft Reply/]), refusedAtMost(1)],
  },
  {
    id: 'vague-notification',
    about: 'a message to nobody in particular',
    graph: TRIAGE,
    turns: [{ message: 'Add a notification.' }],
    checks: [mentions(/where|which|who|when|url|address|channel/i), refusedAtMost(1)],
  },
  {
    id: 'vague-explain',
    about: 'a question about the workflow itself',
    graph: SUPPORT,
    turns: [{ message: 'What does this thing do?' }],
    checks: [
      mentions([/urgent/i, /spam/i, /Page On Call|page/i]),
      notCalled('modify_workflow', 'manage_project_asset', 'execute_public_sql'),
      NO_CHANGE,
      refusedAtMost(0),
    ],
  },
];
