/** Names of blocks, and what refers to them. */
import type { EvalCase } from '../case.ts';
import { config, count, has, hasNo, untouched } from '../checks/graph.ts';
import { mentions, refusedAtMost } from '../checks/talk.ts';
import { CHECKS, TRIAGE } from '../project/graphs.ts';

export const rename: readonly EvalCase[] = [
  {
    id: 'rename-one',
    about: 'a block that three others refer to',
    graph: TRIAGE,
    turns: [{ message: 'Rename Load Order to Fetch Order.' }],
    checks: [
      has({ name: 'Fetch Order', type: 'platform_api' }),
      hasNo({ name: 'Load Order' }),
      hasNo({ text: /Load Order/ }),
      config({ name: 'Large Order' }, 'refers to the new name', ({ branches }) =>
        JSON.stringify(branches).includes('<Fetch Order.output.total>'),
      ),
      count({ name: /./ }, TRIAGE.blocks.length),
      untouched('Start'),
      refusedAtMost(0),
    ],
  },
  {
    id: 'rename-two',
    about: 'two blocks that code and a template refer to',
    graph: CHECKS,
    turns: [{ message: 'Rename Join to Collect Results, and Email Check to Mail Check.' }],
    checks: [
      has({ name: 'Collect Results', text: /input_data\[\\?["']Mail Check/ }),
      has({ name: 'Mail Check' }),
      has({ name: 'Done', text: /<Collect Results\.output>/ }),
      hasNo({ text: /Email Check/ }),
      untouched('Start', 'All Checks', 'Fraud Check', 'Stock Check'),
      refusedAtMost(0),
    ],
  },
  {
    id: 'rename-taken',
    about: 'a name that another block has',
    graph: TRIAGE,
    turns: [{ message: 'Call the block Summarise "Reply" from now on.' }],
    checks: [
      has({ name: 'Reply', type: 'response' }),
      mentions([/Reply/, /already|taken|exist|unique|in use|another/i]),
      count({ name: /./ }, TRIAGE.blocks.length),
      refusedAtMost(1),
    ],
  },
];
