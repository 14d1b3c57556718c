/**
 * Mistakes that models make. Each is refused or told by the first answer. Where it can only have been meant one way, the
 * answer's own suggestion is taken from its hint, as a program would, and the call then passes.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { EdgeEdit, GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Problem, ProblemCode } from '../../../domain/rules/finding.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { block, countingIds, graph } from '../../support/graph-builders.ts';

const ports = {
  python: createPythonChecker(),
  project: {
    missing: { agent: new Set<string>(), knowledge_base: new Set<string>(), source: new Set<string>() },
    unknownModels: new Set(['gpt-5.3']),
    models: ['gpt-5.2', 'claude-sonnet-4-6'],
  },
};
const expression = (text: string): JsonObject => ({ branches: [{ expression: text }] });
/** Start -> Check, if -> Work -> Writer -> Reply, else -> Other -> Reply. */
const base = graph(
  [
    block('Start', { type: 'starter', config: { input: { kind: '', score: 0 } } }),
    block('Check', { type: 'condition', config: expression('<Start.output.kind> == "new"') }),
    block('Work'),
    block('Other'),
    block('Writer', { type: 'agent', config: { model: 'gpt-5.2', system_prompt: 's', input: 'i' } }),
    block('Reply', { type: 'response', config: { output: 'done', status_code: 200 } }),
  ],
  [
    'start -> check',
    'check[if] -> work',
    'work -> writer',
    'writer -> reply',
    'check[else] -> other',
    'other -> reply',
  ],
);

function answer(edit: GraphEdit): { applied: boolean; problems: Problem[] } {
  const outcome = editGraph({ graph: base, edit, newId: countingIds(), aliases: new Map(), ports });
  return { applied: outcome.applied, problems: outcome.applied ? outcome.warnings : outcome.problems };
}

/** The text that a hint gives to copy. */
function suggestion(hint: string): string {
  for (const form of [
    /Write: (.+)$/s,
    /Write the branch as (.+)\.$/s,
    /Write (.+) in place of .+\.$/s,
    /Add the line: (.+)$/s,
    /Add the edge (.+ -> .+) in the same call/,
    /Nearest: ([^,.]+)/,
    /such as (.+)\.$/,
    /Use one of: ([^,.]+)/,
    /Use (<.+?>)/,
    /above .+?: (<.+?>)/,
  ]) {
    const found = form.exec(hint)?.[1];
    if (found !== undefined) return found;
  }
  return assert.fail(`no suggestion in ${hint}`);
}

/** A new block behind Work. */
const add = (type: string, config: JsonObject, name = 'New', after: EdgeEdit[] = []): GraphEdit => ({
  add_blocks: [{ id: 'n', type, name, config }],
  add_edges: [{ source: 'Work', target: 'n' }, ...after],
});
const when = (text: string): GraphEdit => add('condition', expression(text));
const code = (text: string): GraphEdit => add('code', { code: text });
const say = (input: string): GraphEdit => add('agent', { model: 'gpt-5.2', system_prompt: 's', input });
const call = (config: JsonObject): GraphEdit =>
  add('general_api', { url: 'https://api.test/x', method: 'GET', ...config });
const link = (source: string, target: string, sourceHandle?: string): GraphEdit => ({
  add_edges: [{ source, target, sourceHandle }],
});

interface Mistake {
  title: string;
  code: ProblemCode;
  edit: GraphEdit;
  /** The edit with the suggestion in it; absent for a mistake that has several corrections. */
  mended?: (suggested: string) => GraphEdit;
}
const mistake = (
  title: string,
  problem: ProblemCode,
  edit: GraphEdit,
  mended?: (suggested: string) => GraphEdit,
): Mistake => ({ title, code: problem, edit, ...(mended ? { mended } : {}) });
const patch = (suggested: string): JsonObject => JSON.parse(suggested) as JsonObject;

const MISTAKES: Mistake[] = [
  mistake(
    'a type that is misspelt',
    'unknown_block_type',
    add('agnet', { agent_id: 'a', input: 'i' }),
    (type) => add(type, { agent_id: 'a', input: 'i' }),
  ),
  mistake('a name that is taken', 'duplicate_name', add('code', { code: 'output = 1' }, 'Reply'), (name) =>
    add('code', { code: 'output = 1' }, name),
  ),
  mistake(
    'a name that references can not spell',
    'invalid_name',
    add('code', { code: 'output = 1' }, 'Step (v2)'),
    (name) => add('code', { code: 'output = 1' }, name),
  ),
  mistake(
    'an update of a block that is misspelt',
    'unknown_block',
    { update_blocks: [{ id: 'Wrok', name: 'W' }] },
    (id) => ({
      update_blocks: [{ id, name: 'W' }],
    }),
  ),
  mistake(
    'an edge without a handle out of a condition',
    'handle_required',
    link('Check', 'Reply'),
    (handle) => link('Check', 'Reply', handle),
  ),
  mistake('the handle true', 'unknown_handle', link('Check', 'Reply', 'true'), (handle) =>
    link('Check', 'Reply', handle),
  ),
  mistake('the handle false', 'unknown_handle', link('Check', 'Reply', 'false'), (handle) =>
    link('Check', 'Reply', handle),
  ),
  mistake('the handle If', 'unknown_handle', link('Check', 'Reply', 'If'), (handle) =>
    link('Check', 'Reply', handle),
  ),
  mistake('a handle on a plain block', 'handle_not_allowed', link('Work', 'Reply', 'success')),
  mistake('an edge into the trigger', 'edge_into_trigger', link('Work', 'Start')),
  mistake('an edge out of a response', 'edge_out_of_response', link('Reply', 'Work')),
  mistake('a cycle', 'edge_cycle', link('Writer', 'Work')),
  mistake('an edge to itself', 'self_edge', link('Work', 'Work')),
  mistake('an edge that is there', 'duplicate_edge', link('Work', 'Writer')),
  mistake('a second trigger', 'second_trigger', add('webhook', {})),
  mistake('a change of the type', 'locked_field', { update_blocks: [{ id: 'Work', type: 'agent' }] }),
  mistake('fewer branches than edges', 'unknown_handle', {
    update_blocks: [{ id: 'Check', config: { branches: [] } }],
    add_edges: [{ source: 'Check', target: 'Reply', sourceHandle: 'elif_3' }],
  }),
  // Conditions.
  mistake('===', 'expression_syntax', when('<Work.output> === "x"'), when),
  mistake('&&', 'expression_syntax', when('<Work.output> > 1 && <Work.output> < 5'), when),
  mistake('a single =', 'expression_syntax', when('<Work.output> = "x"'), when),
  mistake('a bare word', 'expression_syntax', when('<Work.output> == urgent'), when),
  mistake('a reference without its brackets', 'expression_syntax', when('Work.output.total > 5'), when),
  mistake('a reference in braces', 'expression_syntax', when('{{Work.output.total}} > 5'), when),
  mistake('an input as a bare name', 'expression_syntax', when('score > 5'), when),
  mistake('a quote that is not closed', 'expression_syntax', when('<Work.output> == "x'), when),
  mistake('TRUE', 'expression_syntax', when('<Work.output> == TRUE'), when),
  mistake('.length', 'expression_syntax', when('<Work.output>.length > 0'), when),
  mistake('is not empty', 'expression_syntax', when('<Work.output> is not empty'), when),
  mistake('two texts joined by or', 'expression_syntax', when('<Work.output> == "a" or "b"'), when),
  mistake(
    'a branch that is a text',
    'missing_config',
    add('condition', { branches: ['<Work.output> > 5'] }),
    (branch) => add('condition', { branches: [patch(branch)] }),
  ),
  mistake(
    'branches as JSON text',
    'invalid_config',
    add('condition', { branches: '[{"expression":"1 == 1"}]' }),
    (given) => add('condition', patch(given)),
  ),
  // References.
  mistake(
    'a reference to a block that is misspelt',
    'reference_to_missing_block',
    say('<Wrk.output>'),
    (name) => say(`<${name}.output>`),
  ),
  mistake(
    'a reference to a block on another branch',
    'reference_not_upstream',
    say('<Other.output>'),
    (edge) => {
      const [source] = edge.split(' -> ');
      return {
        ...say('x <Other.output>'),
        add_edges: [
          { source: 'Work', target: 'n' },
          { source: source!, target: 'n' },
        ],
      };
    },
  ),
  mistake(
    'a reference to a block below',
    'reference_not_upstream',
    { update_blocks: [{ id: 'Work', config: { code: 'output = 1', note: '<Writer.output>' } }] },
    (reference) => ({
      update_blocks: [{ id: 'Work', config: { code: 'output = 1', note: reference } }],
    }),
  ),
  mistake('a reference to itself', 'reference_to_itself', say('<New.output>'), say),
  mistake('a reference without .output', 'reference_form', say('See <Start.kind>'), say),
  mistake('a template in braces', 'reference_form', say('See {{Start.output.kind}}'), say),
  mistake(
    'a field of plain text',
    'field_of_text',
    { update_blocks: [{ id: 'Reply', config: { output: '<Writer.output.mood>' } }] },
    (output) => ({
      update_blocks: [{ id: 'Reply', config: { output } }],
    }),
  ),
  mistake('a field that is misspelt', 'unknown_output_field', say('<Start.output.knd>'), (field) =>
    say(`<Start.output.${field}>`),
  ),
  // Configs.
  mistake(
    'a model that does not exist',
    'unknown_model',
    add('agent', { model: 'gpt-5.3', system_prompt: 's', input: 'i' }),
    (model) => add('agent', { model, system_prompt: 's', input: 'i' }),
  ),
  mistake('a field that is misspelt in a config', 'unknown_config_key', call({ methd: 'GET' }), (key) =>
    call({ [key]: 'GET' }),
  ),
  mistake('a method in lower case', 'invalid_config', call({ method: 'post' }), (given) =>
    call(patch(given)),
  ),
  mistake(
    'a number as text',
    'invalid_config',
    add('agent', { model: 'gpt-5.2', system_prompt: 's', input: 'i', temperature: '0.5' }),
    (given) => add('agent', { model: 'gpt-5.2', system_prompt: 's', input: 'i', ...patch(given) }),
  ),
  mistake('an address without its scheme', 'url_scheme', call({ url: 'api.test/x' }), (given) =>
    call(patch(given)),
  ),
  mistake(
    'a required field that is missing',
    'missing_config',
    add('platform_api', { resource: 'database' }),
  ),
  mistake(
    'a type word as an input',
    'type_word_input',
    { update_blocks: [{ id: 'Start', config: { input: { kind: 'string' } } }] },
    (given) => ({
      update_blocks: [{ id: 'Start', config: patch(given) }],
    }),
  ),
  mistake('a field that the platform owns', 'server_owned_field', {
    add_blocks: [{ type: 'webhook', name: 'Hook', config: { webhook_id: 'w' } }],
    remove_blocks: ['Start'],
  }),
  // Code.
  mistake('Python that does not parse', 'code_syntax', code('if True\n  output = 1')),
  mistake('return at the top', 'code_syntax', code('return 1'), (here) => code(`${here} 1`)),
  mistake('a reference in code', 'code_syntax', code('output = <Start.output.kind>'), (python) =>
    code(`output = ${python}`),
  ),
  mistake('true in code', 'code_undefined_name', code('output = true'), (name) => code(`output = ${name}`)),
  mistake('a module that is not imported', 'code_undefined_name', code('output = json.dumps(1)'), (line) =>
    code(`${line}\noutput = json.dumps(1)`),
  ),
  mistake('a name that is misspelt', 'code_undefined_name', code('output = inputdata["Work"]'), (name) =>
    code(`output = ${name}["Work"]`),
  ),
  mistake(
    'a key of input_data that names no block',
    'code_unknown_block',
    code('output = input_data["Wrk"]["output"]'),
    (name) => code(`output = input_data["${name}"]["output"]`),
  ),
  mistake(
    'a key outside of output',
    'code_without_output',
    code('output = input_data["Start"]["kind"]'),
    (read) => code(`output = ${read}`),
  ),
  mistake('input in place of input_data', 'code_input', code('output = input["Work"]')),
  mistake('no output', 'code_no_output', code('result = 1')),
  mistake(
    'code that reads a skipped block',
    'reference_may_be_skipped',
    {
      add_blocks: [
        { id: 'n', type: 'code', name: 'New', config: { code: 'output = input_data["Work"]["output"]' } },
      ],
      add_edges: [
        { source: 'Work', target: 'n' },
        { source: 'Other', target: 'n' },
      ],
    },
    (read) => ({
      add_blocks: [{ id: 'n', type: 'code', name: 'New', config: { code: `output = ${read}` } }],
      add_edges: [
        { source: 'Work', target: 'n' },
        { source: 'Other', target: 'n' },
      ],
    }),
  ),
];

for (const { title, code: expected, edit, mended } of MISTAKES) {
  test(`${title}: the first answer tells it${mended ? ', and its suggestion mends it' : ''}`, () => {
    const first = answer(edit);
    const found = first.problems.find((problem) => problem.code === expected);
    assert.ok(found, `${expected} in ${JSON.stringify(first.problems)}`);
    assert.equal(first.applied, found.severity !== 'error');
    assert.ok(found.hint !== null && found.hint.length > 10);
    if (!mended) return;
    const second = answer(mended(suggestion(found.hint)));
    assert.ok(second.applied, JSON.stringify(second.problems));
    assert.ok(!second.problems.some((problem) => problem.code === expected), found.hint);
  });
}

test('there are forty mistakes and more, and most have a suggestion', () => {
  assert.ok(MISTAKES.length >= 40);
  assert.ok(MISTAKES.filter(({ mended }) => mended).length >= 40);
});
