/** A call of modify_workflow with `try`: alone, after an edit, and malformed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editAndTry } from '../../../activities/tools/edit-and-try.ts';
import { MAX_RESULT_CHARS } from '../../../activities/tools/fit-result.ts';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import type { EditResult } from '../../../activities/tools/run-edit.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { openProject } from '../../support/edit-tool.ts';
import { block, graph } from '../../support/graph-builders.ts';

const python = createPythonChecker();
const start = block('Start', { type: 'starter', config: { input: { kind: 'new' } } });
const base = graph(
  [start, block('Reply', { type: 'response', config: { output: '<Start.output.kind>' } })],
  ['start -> reply'],
);
const call = (on: Graph, edit: JsonObject): EditResult =>
  editAndTry(
    { graph: JSON.stringify(on), edit: JSON.stringify(edit), aliases: new Map(), project: openProject },
    python,
  );
const outcome = ({ result }: EditResult) => (result.try as JsonObject | undefined)?.outcome;
const response = ({ result }: EditResult) => ((result.try as JsonObject).response as JsonObject).output;

test('try alone runs the graph as it is and changes nothing', () => {
  const made = call(base, { try: { input: { kind: 'old' } } });
  assert.deepEqual([made.isError, made.changed, response(made)], [false, undefined, 'old']);
  assert.equal(response(call(base, { try: {}, add_blocks: [] })), 'new');
});

test('try after an edit runs the graph that the edit leaves, also with ids of that edit', () => {
  const made = call(base, {
    add_blocks: [
      { id: 'ask', type: 'agent', name: 'Ask', config: { model: 'm', system_prompt: 's', input: 'x' } },
    ],
    remove_edges: [{ source: 'Start', target: 'Reply' }],
    add_edges: [
      { source: 'Start', target: 'ask' },
      { source: 'ask', target: 'Reply' },
    ],
    update_blocks: [{ id: 'Reply', config: { output: '<Ask.output>' } }],
    try: { outputs: { ask: 'yes' } },
  });
  assert.deepEqual([made.isError, response(made)], [false, 'yes']);
  assert.ok(made.changed);
  assert.equal(made.result.applied, true);
});

test('a refused edit is not tried, and a malformed try refuses the call', () => {
  const refused = call(base, { add_blocks: [{ type: 'agnt', name: 'X' }], try: {} });
  assert.deepEqual([refused.isError, outcome(refused)], [true, undefined]);
  const malformed: Json[] = [5, [], { input: [] }, { outputs: 'x' }];
  for (const wrong of malformed) {
    const made = call(base, { update_blocks: [{ id: 'Reply', config: { output: 'x' } }], try: wrong });
    const [problem] = made.result.problems as JsonObject[];
    assert.deepEqual([made.isError, problem!.code, made.changed], [true, 'invalid_edit', undefined]);
  }
  const absent: JsonObject[] = [{ try: null }, {}];
  for (const none of absent) {
    const made = call(base, none);
    assert.equal((made.result.problems as JsonObject[])[0]!.code, 'empty_edit');
  }
});

test('a long run fits into the result', () => {
  const many = Array.from({ length: 300 }, (_, n) =>
    block(`Step ${n}`, {
      type: 'agent',
      config: { model: 'm', system_prompt: 's', input: '<Start.output.kind>' },
    }),
  );
  const on = graph(
    [start, ...many],
    many.map(({ id }) => `start -> ${id}`),
  );
  const made = call(on, { try: { input: { kind: 'x'.repeat(20_000) } } });
  assert.ok(JSON.stringify(made.result).length <= MAX_RESULT_CHARS);
  assert.equal(outcome(made), 'It ends without a response.');
});
