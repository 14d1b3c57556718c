/** What modify_workflow answers: each thing once. The answers are data files, so that a change of their form is read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeEdit } from '../../../activities/tools/describe-edit.ts';
import { runEdit } from '../../../activities/tools/run-edit.ts';
import type { ToolContext } from '../../../activities/tools/tool.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { countWith } from '../../../llm/context/count-tokens.ts';
import { editDeps, editTools, openProject } from '../../support/edit-tool.ts';
import { block, countingIds, graph } from '../../support/graph-builders.ts';
import { assertKeptJson } from '../../support/kept-text.ts';

const TOKEN = 'ghp_abcdefghijklmnopqrstuvwxyz0123456789';
const start = block('Start', { type: 'starter', config: { input: { order: '' } } });
const call = block('Call', {
  type: 'general_api',
  config: { url: 'https://a.test', method: 'POST', headers: { Authorization: `Bearer ${TOKEN}` } },
});
const base = graph(
  [
    start,
    block('Work', { config: { code: 'output = input_data["Start"]["output"]', language: 'python' } }),
    call,
    block('Reply', { type: 'response', config: { output: '<Work.output>', status_code: 200 } }),
  ],
  ['start -> work', 'work -> call', 'call -> reply'],
);

function answer(edit: GraphEdit, on: Graph = base, turnStart?: Graph) {
  const outcome = editGraph({
    graph: on,
    edit,
    newId: countingIds(),
    aliases: new Map(),
    turnStart,
    ports: { python: editDeps.python, project: openProject },
  });
  assert.ok(outcome.applied, JSON.stringify(outcome));
  return { ...describeEdit(on, outcome), after: outcome.graph };
}

interface Told {
  code: string;
  block?: string;
  message: string;
  hint?: string;
  was_there_before?: true;
}
const warningsOf = (result: object): Told[] => (result as { warnings: Told[] }).warnings;

test('an edit of every kind is answered by its data file', () => {
  const { after: _, ...result } = answer({
    add_blocks: [
      { id: 'n', type: 'code', name: 'Sum', config: { code: `output = 1 # ${'and so on '.repeat(90)}` } },
    ],
    update_blocks: [
      { id: 'Work', name: 'Job', enabled: false },
      { id: 'Call', config: { method: null, body: { text: '<Job.output>' } }, position: { x: 1, y: 2 } },
    ],
    remove_blocks: ['Reply'],
    add_edges: [{ source: 'Call', target: 'n' }],
  });
  assert.ok(!JSON.stringify(result).includes(TOKEN));
  assertKeptJson('tool-results/modify_workflow.applied.json', result);
});

test('a refused edit is answered by its data file', () => {
  const { result, isError } = runEdit(
    {
      graph: JSON.stringify(base),
      edit: JSON.stringify({
        add_blocks: [{ type: 'agnet', name: 'New' }],
        add_edges: [{ source: 'Reply', target: 'Start' }],
      }),
      aliases: new Map(),
      project: openProject,
    },
    editDeps.python,
  );
  assert.equal(isError, true);
  assertKeptJson('tool-results/modify_workflow.refused.json', result);
});

test('an answer holds no empty list, no null and no false', () => {
  const { after: _, ...result } = answer({ update_blocks: [{ id: 'Reply', config: { output: 'done' } }] });
  assert.deepEqual(result, {
    applied: true,
    changes: { updated: [{ name: 'Reply', config: { output: 'done', status_code: 200 } }] },
    warnings: [],
    graph: { blocks: 4, edges: 3 },
  });
});

test('ids are told where they change, or where a name names several blocks', () => {
  const named = graph([block('A', { id: 'A' }), block('B', { id: 'x' }), block('B', { id: 'y' })]);
  const { changes } = answer(
    {
      update_blocks: [
        { id: 'A', name: 'New' },
        { id: 'y', enabled: false },
      ],
    },
    named,
  );
  assert.deepEqual(changes, {
    updated: [
      { id: 'New', name: 'New', former_name: 'A', former_id: 'A' },
      { id: 'y', name: 'B', enabled: false },
    ],
  });
});

test('rewritten references are those of blocks that are still there, by their names now', () => {
  const on = graph([
    start,
    ...['Gone', 'Kept'].map((name) => block(name, { config: { code: 'output = input_data["Start"]' } })),
  ]);
  const { changes } = answer(
    {
      update_blocks: [
        { id: 'Start', name: 'Begin' },
        { id: 'Gone', config: { language: 'python' } },
        { id: 'Kept', name: 'Stays' },
      ],
      remove_blocks: ['Gone'],
    },
    on,
  );
  assert.deepEqual((changes as { references_rewritten?: string[] }).references_rewritten, ['Stays']);
});

test('a warning that the turn brought in is told again, briefly, until it is mended', () => {
  const first = answer({ add_blocks: [{ id: 'a', type: 'agent', name: 'Ask', config: { input: 'Hi' } }] });
  assert.ok(warningsOf(first).some(({ code, hint }) => code === 'missing_config' && hint !== undefined));
  const second = answer({ update_blocks: [{ id: 'Call', enabled: false }] }, first.after, base);
  assert.deepEqual(
    warningsOf(second).map(({ code, block: name, hint, was_there_before }) => [
      code,
      name,
      hint,
      was_there_before,
    ]),
    [
      ['missing_config', 'Ask', undefined, true],
      ['missing_config', 'Ask', undefined, true],
      ['unreachable', 'Ask', undefined, true],
    ],
  );
  const config = { model: 'gpt-4o', system_prompt: 's' };
  const third = answer(
    {
      update_blocks: [{ id: 'Ask', config }],
      remove_edges: [{ source: 'Work', target: 'Call' }],
      add_edges: [
        { source: 'Work', target: 'Ask' },
        { source: 'Ask', target: 'Call' },
      ],
    },
    second.after,
    base,
  );
  assert.deepEqual(warningsOf(third), []);
});

test('faults that were there when the turn began are not told again, also after a rename', () => {
  const faulty = graph(
    [start, block('Old', { config: { code: 'x = input_data["Start"], input_data["Nobody"]' } })],
    ['start -> old'],
  );
  const renamed = answer({ update_blocks: [{ id: 'Start', name: 'Begin' }] }, faulty);
  const moved = answer({ update_blocks: [{ id: 'Old', position: { x: 1, y: 2 } }] }, renamed.after, faulty);
  assert.deepEqual(warningsOf(moved), []);
});

const wordsOf = (result: object): string[] =>
  warningsOf(result).flatMap(({ code, message }) => (code === 'placeholder' ? [message] : []));

test('a placeholder is no warning when the user typed it', async () => {
  const edit = {
    add_blocks: [{ type: 'general_api', name: 'Post', config: { url: 'https://Api.example.com/orders' } }],
  };
  const post = async (messages: string[]): Promise<string[]> => {
    const context = {
      signal: new AbortController().signal,
      workingGraph: async () => ({ text: JSON.stringify(base), aliases: new Map(), turnStart: null }),
      userMessages: async () => messages,
    } as unknown as ToolContext;
    return wordsOf((await editTools.run('modify_workflow', edit, context)).result);
  };
  assert.deepEqual(await post(['Call our API', 'Post to https://api.example.com.']), []);
  const told = ['url of Post holds a placeholder: api.example.com.'];
  assert.deepEqual(await post([]), told);
  assert.deepEqual(await post(['Use example.com and myapi.example.com']), told);
});

/** 30 blocks in a row with configs of a usual size. Ids are UUIDs, as the editor gives them. */
function thirtyBlocks(): Graph {
  const id = (n: number): string => `5a3b1c00-0000-4000-8000-${String(n).padStart(12, '0')}`;
  const blocks = Array.from({ length: 30 }, (_, n) =>
    n === 0
      ? { ...start, id: id(0) }
      : block(`Step Number ${n}`, {
          id: id(n),
          type: n === 29 ? 'response' : 'code',
          position: { x: 300, y: 50 + 200 * n },
          config:
            n === 29
              ? { output: `<Step Number ${n - 1}.output>`, status_code: 200 }
              : {
                  language: 'python',
                  code: `output = input_data["${n === 1 ? 'Start' : `Step Number ${n - 1}`}"]["output"]`,
                },
        }),
  );
  const edges = blocks.slice(1).map((to, n) => ({ source: blocks[n]!.id, target: to.id }));
  return { blocks, edges };
}

test('an answer about a graph of 30 blocks is short: it holds what changed, and counts the rest', async () => {
  const { after: _, ...result } = answer(
    {
      add_blocks: [
        {
          id: 'n',
          type: 'general_api',
          name: 'Notify Slack',
          config: {
            url: 'https://hooks.slack.com/services/T0/B0',
            method: 'POST',
            body: { text: '<Step Number 5.output>' },
          },
        },
      ],
      update_blocks: [
        { id: 'Step Number 6', config: { code: 'output = input_data["Notify Slack"]["output"]' } },
      ],
      remove_edges: [{ source: 'Step Number 5', target: 'Step Number 6' }],
      add_edges: [
        { source: 'Step Number 5', target: 'n' },
        { source: 'n', target: 'Step Number 6' },
      ],
    },
    thirtyBlocks(),
  );
  assertKeptJson('tool-results/modify_workflow.thirty-blocks.json', result);
  const count = await countWith('o200k_base', 1);
  const tokens = count(JSON.stringify(result));
  // An answer with all blocks and edges has 2,600.
  assert.ok(tokens <= 200, `${tokens} tokens`);
});
