/** The model's answers in a soak, chosen by the first word of the message, and the canvas that users send. */
import type { FakeRequest, Script } from '../support/fake-provider.ts';

export const KINDS = ['Look', 'Edit', 'Query', 'Long', 'Ask', 'Leave', 'Cancel', 'Delete'] as const;
export type Kind = (typeof KINDS)[number];

const LONG_PIECES = 400;
const pieces = (count: number, text = 'word '): string[] => Array.from({ length: count }, () => text);
const answer = (count: number): Script => ({ text: pieces(count), pieceMs: 5 });
const calling = (name: string, arguments_: unknown): Script => ({
  text: pieces(5),
  pieceMs: 5,
  toolCalls: [{ name, arguments: arguments_ }],
});

const STEPS: Record<Kind, (request: FakeRequest) => readonly Script[]> = {
  Look: () => [
    calling('list_project_assets', {}),
    calling('get_block_info', { block_types: ['agent', 'code', 'condition'] }),
    calling('get_workflow_run_logs', {}),
    answer(20),
  ],
  Edit: ({ n }) => [
    calling('modify_workflow', {
      add_blocks: [
        { id: 'new', type: 'code', name: `Step ${n}`, config: { code: `output = ${n}`, language: 'python' } },
      ],
      add_edges: [{ source: 'Work', target: 'new' }],
    }),
    answer(20),
  ],
  Query: ({ n }) => [
    calling('get_db_schema', {}),
    calling('execute_public_sql', {
      sql: `select id, total, ${n} as n from orders order by id limit 100`,
    }),
    answer(20),
  ],
  Long: () => [{ text: pieces(LONG_PIECES, 'a longer piece of text, '), pieceMs: 5 }],
  Ask: ({ message }) => [
    calling('manage_project_asset', {
      action: 'create',
      kind: 'agent',
      data: { name: `Soak ${message.slice(-8)}`, model: 'gpt-4.1' },
    }),
    answer(5),
  ],
  Leave: (request) => STEPS.Ask(request),
  Cancel: () => [{ text: pieces(LONG_PIECES), pieceMs: 20 }],
  Delete: () => [{ text: pieces(LONG_PIECES), pieceMs: 20 }],
};

/** Returns the answer for a request. The number of tool results tells the step. */
export function soakScript(request: FakeRequest): Script {
  const steps = STEPS[request.message.split(' ')[0] as Kind](request);
  return steps[Math.min(request.toolResults, steps.length - 1)]!;
}

/** A canvas of forty blocks. Its texts contain `n`, so that no two messages send the same canvas. */
export function soakCanvas(n: number): object {
  const blocks = Array.from({ length: 38 }, (_, index) => ({
    id: `step${index}`,
    type: 'code',
    name: `Part ${index}`,
    position: { x: (index % 6) * 300, y: 400 + Math.floor(index / 6) * 200 },
    config: { code: `# ${n}\noutput = ${index}`, language: 'python' },
  }));
  return {
    nodes: [
      { id: 'start', type: 'starter', name: 'Start', position: { x: 0, y: 0 }, config: { input: {} } },
      {
        id: 'work',
        type: 'code',
        name: 'Work',
        position: { x: 0, y: 200 },
        config: { code: 'output = 1', language: 'python' },
      },
      ...blocks,
    ],
    edges: [
      { source: 'Start', target: 'Work' },
      ...blocks.map(({ name }) => ({ source: 'Work', target: name })),
    ],
  };
}
