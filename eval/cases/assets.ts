/** Agents, knowledge bases and orchestrations: changes that a person confirms or declines. */
import type { EvalCase } from '../case.ts';
import { between, config, NO_CHANGE, othersUntouched } from '../checks/graph.ts';
import {
  assets,
  ASSETS_AS_BEFORE,
  called,
  confirmed,
  mentions,
  neverSays,
  refusedAtMost,
} from '../checks/talk.ts';
import { TRIAGE } from '../project/graphs.ts';

export const assetCases: readonly EvalCase[] = [
  {
    id: 'assets-create-approved',
    about: 'a new agent',
    graph: TRIAGE,
    turns: [
      {
        message:
          'Create an agent called Refund Helper on gpt-4.1. It explains our refund rules politely in at most three sentences.',
        confirm: 'approve',
      },
    ],
    checks: [
      confirmed(1, /Refund Helper/),
      assets('there is the agent', ({ agents }) =>
        agents.some(
          ({ name, model, systemPrompt }) =>
            name === 'Refund Helper' && model === 'gpt-4.1' && /refund/i.test(systemPrompt ?? ''),
        ),
      ),
      mentions(/Refund Helper/),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-create-rejected',
    about: 'a new agent that the user declines',
    graph: TRIAGE,
    turns: [
      {
        message: 'Create an agent called Refund Helper on gpt-4.1 that explains our refund rules.',
        confirm: 'reject',
      },
    ],
    checks: [
      confirmed(1, /Refund Helper/),
      ASSETS_AS_BEFORE,
      mentions(/declin|reject|not created|did not|didn't|cancel|nothing/i),
      neverSays(/(is|was|has been) (now )?created\b/i),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-update-model',
    about: 'another model for an agent',
    graph: TRIAGE,
    turns: [{ message: 'Switch the Review Reader to gpt-4.1.', confirm: 'approve' }],
    checks: [
      confirmed(1, /Review Reader/),
      assets('the agent has the model and its old prompt', ({ agents }) =>
        agents.some(
          ({ name, model, systemPrompt }) =>
            name === 'Review Reader' && model === 'gpt-4.1' && /complains/.test(systemPrompt ?? ''),
        ),
      ),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-update-prompt-rejected',
    about: 'another prompt that the user declines',
    graph: TRIAGE,
    turns: [{ message: 'Let the Support Writer answer in pirate language from now on.', confirm: 'reject' }],
    checks: [
      confirmed(1, /Support Writer/),
      assets('the prompt is the old one', ({ agents }) =>
        agents.some(
          ({ name, systemPrompt }) => name === 'Support Writer' && !/pirate/i.test(systemPrompt ?? ''),
        ),
      ),
      mentions(/declin|reject|not changed|did not|didn't|unchanged|as it was|nothing/i),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-delete-approved',
    about: 'an agent that an orchestration has',
    graph: TRIAGE,
    turns: [{ message: 'Delete the agent Review Reader.', confirm: 'approve' }],
    checks: [
      confirmed(1, /Review Reader/),
      assets(
        'the agent is gone, the others are there',
        ({ agents }) => agents.map(({ name }) => name).join() === 'Order Analyst,Support Writer',
      ),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-delete-rejected',
    about: 'a deletion that the user declines',
    graph: TRIAGE,
    turns: [{ message: 'Delete the knowledge base Product Catalogue.', confirm: 'reject' }],
    checks: [
      confirmed(1, /Product Catalogue/),
      ASSETS_AS_BEFORE,
      mentions(/declin|reject|not deleted|did not|didn't|still|nothing/i),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-knowledge-base',
    about: 'a knowledge base of one source',
    graph: TRIAGE,
    turns: [
      { message: 'Make a knowledge base "Returns" that holds only our returns.md.', confirm: 'approve' },
    ],
    checks: [
      confirmed(1, /Returns/),
      assets('there is the knowledge base with its source', ({ knowledgeBases }) =>
        knowledgeBases.some(({ name, sources }) => name === 'Returns' && sources.join() === 'returns.md'),
      ),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-agent-and-block',
    about: 'a new agent, and a block that uses it',
    graph: TRIAGE,
    turns: [
      {
        message:
          'Create an agent Translator on gpt-4o that translates into French, and let it translate the summary before the reply.',
        confirm: 'approve',
      },
    ],
    checks: [
      confirmed(1, /Translator/),
      {
        says: 'a block between Summarise and Reply uses the new agent',
        fault(outcome) {
          const id = outcome.assets.agents.find(({ name }) => name === 'Translator')?.id;
          if (id === undefined) return 'there is no agent Translator';
          return between(
            { name: 'Summarise' },
            { type: 'agent', text: new RegExp(id) },
            { name: 'Reply' },
          ).fault(outcome);
        },
      },
      config({ type: 'agent', name: /^(?!Summarise$)/ }, 'gets the summary', ({ input }) =>
        JSON.stringify(input).includes('<Summarise.output'),
      ),
      othersUntouched('Reply'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-team-member',
    about: 'one more member of an orchestration',
    graph: TRIAGE,
    turns: [
      { message: 'Add the Order Analyst to the Support Team. He looks orders up.', confirm: 'approve' },
    ],
    checks: [
      confirmed(1, /Support Team/),
      assets('the team has three members', ({ orchestrations }) =>
        orchestrations.some(
          ({ name, members }) =>
            name === 'Support Team' &&
            members.toSorted().join() === 'Order Analyst,Review Reader,Support Writer',
        ),
      ),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-link-knowledge',
    about: 'a knowledge base for an agent that has none',
    graph: TRIAGE,
    turns: [{ message: 'Give the Order Analyst access to the product catalogue.', confirm: 'approve' }],
    checks: [
      confirmed(1, /Order Analyst/),
      assets('the agent has the knowledge base', ({ agents }) =>
        agents.some(
          ({ name, knowledgeBases }) =>
            name === 'Order Analyst' && knowledgeBases.join() === 'Product Catalogue',
        ),
      ),
      NO_CHANGE,
      refusedAtMost(1),
    ],
  },
  {
    id: 'assets-list',
    about: 'a question about the agents',
    graph: TRIAGE,
    turns: [{ message: 'Which agents do we have, and which models do they use?' }],
    checks: [
      called('list_project_assets'),
      mentions([/Order Analyst/, /Support Writer/, /Review Reader/, /gpt-5\.2/i, /gpt-4\.1/i, /gpt-4o/i]),
      confirmed(0),
      NO_CHANGE,
      refusedAtMost(0),
    ],
  },
];
