/** What the model reads of every finding: who it is about, what is wrong, and what to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import { checkGraph } from '../../../domain/rules/check-graph.ts';
import { type FindingId, type Problem, problem } from '../../../domain/rules/finding.ts';
import { FINDINGS } from '../../../domain/rules/findings.ts';
import type { JsonObject } from '../../../domain/text/json-value.ts';
import { block, countingIds, graph } from '../../support/graph-builders.ts';
import { assertKeptJson } from '../../support/kept-text.ts';

const ports = {
  python: createPythonChecker(),
  project: {
    missing: {
      agent: new Set(['no-agent']),
      knowledge_base: new Set(['no-kb']),
      source: new Set(['no-source']),
    },
    unknownModels: new Set(['gpt-5.3']),
    models: ['gpt-5.2', 'gpt-4o'],
  },
};
const expression = (text: string): JsonObject => ({ branches: [{ expression: text }] });
const start = block('Start', { type: 'starter', config: { input: { kind: '' } } });
const check = block('Check', { type: 'condition', config: expression('<Start.output.kind> == "new"') });
const writer = block('Writer', {
  type: 'agent',
  config: { model: 'gpt-4o', system_prompt: 's', input: 'i' },
});
const reply = block('Reply', { type: 'response', config: { output: 'done', status_code: 200 } });
/** Start -> Check, if -> Work -> Writer -> Reply, else -> Reply. */
const base = graph(
  [start, check, block('Work'), writer, reply],
  ['start -> check', 'check[if] -> work', 'work -> writer', 'writer -> reply', 'check[else] -> reply'],
);

const run = (edit: GraphEdit, on: Graph = base): Problem[] => {
  const outcome = editGraph({ graph: on, edit, newId: countingIds(), aliases: new Map(), ports });
  return outcome.applied ? outcome.warnings : outcome.problems;
};
const inGraph = (on: Graph): Problem[] => checkGraph(on, ports).map((found) => found.problem);
/** A new block behind Work. */
const add = (type: string, config: JsonObject, name = 'New'): Problem[] =>
  run({
    add_blocks: [{ id: 'n', type, name, config }],
    add_edges: [{ source: 'Work', target: 'n' }],
  });
const code = (text: string): Problem[] => add('code', { code: text });
const inline = (more: JsonObject): JsonObject => ({
  model: 'gpt-4o',
  system_prompt: 's',
  input: 'i',
  ...more,
});
const http = (url: string, more: JsonObject = {}): Problem[] => add('general_api', { url, ...more });
const many = (count: number): Graph =>
  graph(Array.from({ length: count }, (_, n) => block(`B${n}`, { id: `b${n}` })));
const edge = (source: string, target: string, sourceHandle?: string): GraphEdit => ({
  add_edges: [{ source, target, sourceHandle }],
});
const rename = (name: string): GraphEdit => ({ update_blocks: [{ id: 'Work', name }] });

/** A mistake for each finding. A finding without a mistake is a type error. */
const MISTAKES: Record<FindingId, () => Problem[]> = {
  agent_id_with_inline: () => add('agent', { agent_id: 'a', input: 'i', system_prompt: 's' }),
  'agent_id_with_inline/sampling': () => add('agent', { agent_id: 'a', input: 'i', temperature: 1 }),
  ambiguous_name: () =>
    run({ remove_blocks: ['B'] }, graph([block('B', { id: 'x' }), block('B', { id: 'y' })])),
  branch_without_edge: () => add('condition', expression('true')),
  code_empty: () => code(' '),
  code_input: () => code('output = input("x")'),
  code_no_output: () => code('x = 1'),
  code_not_upstream: () => code('output = input_data["Reply"]'),
  'code_not_upstream/below': () =>
    run({ update_blocks: [{ id: 'Work', config: { code: 'output = input_data["Reply"]' } }] }),
  code_syntax: () => code('output = ('),
  'code_syntax/reference': () => code('output = <Start.output.kind>'),
  'code_syntax/return': () => code('return 1'),
  code_too_long: () => code(`output = 1 # ${'x'.repeat(33_000)}`),
  code_undefined_name: () => code('output = total'),
  'code_undefined_name/module': () => code('output = json.dumps(1)'),
  'code_undefined_name/nearest': () => code('output = inputdata'),
  'code_undefined_name/other_language': () => code('output = true'),
  code_unknown_block: () => code('output = input_data["Wok"]["output"]'),
  code_without_output: () => code('output = input_data["Start"]["kind"]'),
  config_too_large: () => http('https://a.test', { body: 'x'.repeat(70_000) }),
  'config_too_large/graph': () => [
    problem('config_too_large/graph', NOWHERE, { excess: 'has more than 8 MB' }),
  ],
  dangling_edge: () => inGraph({ blocks: base.blocks, edges: [{ source: 'start', target: 'gone' }] }),
  dead_end: () => add('agent', inline({})),
  duplicate_edge: () => inGraph({ blocks: base.blocks, edges: [...base.edges, base.edges[0]!] }),
  'duplicate_edge/added': () => run(edge('Start', 'Check')),
  duplicate_id: () => run({ add_blocks: [{ id: 'work', type: 'code', name: 'New' }] }),
  duplicate_name: () => run(rename('Reply')),
  'duplicate_name/edge': () =>
    run(
      { update_blocks: [{ id: 'A', name: 'gone' }] },
      graph([block('A', { id: 'A' }), block('B', { id: 'B' })], ['B -> gone']),
    ),
  edge_cycle: () => run(edge('Writer', 'Work')),
  edge_into_trigger: () => run(edge('Work', 'Start')),
  edge_out_of_response: () => run(edge('Reply', 'Work')),
  empty_edit: () => run({}),
  expression_syntax: () => add('condition', expression('<Start.output.kind> == "new')),
  'expression_syntax/doubtful': () => add('condition', expression('sum(<Start.output.kind>) > 1')),
  field_of_text: () => run({ update_blocks: [{ id: 'Reply', config: { output: '<Writer.output.mood>' } }] }),
  'field_of_text/code': () =>
    run({
      add_blocks: [
        {
          id: 'n',
          type: 'code',
          name: 'New',
          config: { code: 'output = input_data["Writer"]["output"]["mood"]' },
        },
      ],
      add_edges: [{ source: 'Writer', target: 'n' }],
    }),
  handle_not_allowed: () =>
    run({ add_blocks: [{ id: 'n', type: 'code', name: 'New' }], ...edge('Work', 'n', 'if') }),
  handle_required: () => run({ add_blocks: [{ id: 'n', type: 'code', name: 'New' }], ...edge('Check', 'n') }),
  invalid_config: () => add('agent', inline({ temperature: 9 })),
  'invalid_config/body': () => http('https://a.test', { body: '{a}', body_type: 'json' }),
  'invalid_config/corrected': () => http('https://a.test', { method: 'get' }),
  'invalid_config/expression': () => add('condition', { branches: [{ expression: 5 }] }),
  invalid_edit: () => run({ remove_blocks: [5] } as unknown as GraphEdit),
  invalid_name: () => inGraph(graph([block('Step (v2)')])),
  'invalid_name/given': () => run(rename('Step (v2)')),
  'invalid_name/nothing_left': () => run(rename('(!)')),
  'invalid_name/too_long': () => run(rename('n'.repeat(256))),
  isolated: () => run({ add_blocks: [{ type: 'code', name: 'New', config: { code: 'output = 1' } }] }),
  locked_field: () => run({ update_blocks: [{ id: 'Work', type: 'agent' }] }),
  missing_config: () => add('platform_api', { resource: 'database' }),
  'missing_config/branches': () => add('condition', { branches: [] }),
  'missing_config/expression': () => add('condition', { branches: [{}] }),
  no_trigger: () => run({ remove_blocks: ['Start'] }),
  nothing_changed: () => run({ update_blocks: [{ id: 'Work', config: {} }] }),
  placeholder: () => http('https://api.example.com/x'),
  reference_form: () => add('agent', inline({ input: '{{Start.kind}}' })),
  reference_may_be_skipped: () =>
    run({ update_blocks: [{ id: 'Reply', config: { output: '<Work.output>' } }] }),
  'reference_may_be_skipped/code': () =>
    run({
      add_blocks: [
        { id: 'n', type: 'code', name: 'New', config: { code: 'output = input_data["Work"]["output"]' } },
      ],
      add_edges: [
        { source: 'Work', target: 'n' },
        { source: 'Check', target: 'n', sourceHandle: 'else' },
      ],
    }),
  'reference_may_be_skipped/condition': () =>
    run({
      add_blocks: [{ id: 'n', type: 'condition', name: 'New', config: expression('<Work.output> == 1') }],
      add_edges: [
        { source: 'Work', target: 'n' },
        { source: 'Check', target: 'n', sourceHandle: 'else' },
      ],
    }),
  reference_not_upstream: () => add('agent', inline({ input: '<Reply.output>' })),
  'reference_not_upstream/below': () =>
    run({ update_blocks: [{ id: 'Check', config: expression('<Writer.output> == "a"') }] }),
  reference_to_itself: () => add('agent', inline({ input: '<New.output>' })),
  reference_to_missing_block: () => add('agent', inline({ input: '<Wok.output>' })),
  'reference_to_missing_block/spelling': () => add('agent', inline({ input: '<W.k.output>' })),
  second_trigger: () => run({ add_blocks: [{ type: 'webhook', name: 'Hook' }] }),
  secret_literal: () => http('https://a.test', { headers: { token: 'abc' } }),
  self_edge: () => run(edge('Work', 'Work')),
  server_owned_field: () =>
    run({ add_blocks: [{ type: 'webhook', name: 'Hook', config: { webhook_id: 'x' } }] }),
  shortcut_edge: () => run(edge('Work', 'Reply')),
  too_many_blocks: () => run({ add_blocks: [{ type: 'code', name: 'New' }] }, many(1_000)),
  too_many_edges: () => {
    const on = many(100);
    const edges = on.blocks.flatMap((from, at) =>
      on.blocks.slice(at + 1).map((to) => ({ source: from.id, target: to.id })),
    );
    return run({ add_edges: [edges[4_000]!] }, { ...on, edges: edges.slice(0, 4_000) });
  },
  type_word_input: () => run({ update_blocks: [{ id: 'Start', config: { input: { kind: 'string' } } }] }),
  unknown_agent: () => add('agent', { agent_id: 'no-agent', input: 'i' }),
  unknown_block: () => run({ remove_blocks: ['Wrok'] }),
  unknown_block_type: () => add('agnet', {}),
  unknown_config_key: () => http('https://a.test', { metod: 'GET' }),
  unknown_edge: () => run({ remove_edges: [{ source: 'Start', target: 'Reply' }] }),
  'unknown_edge/handles': () =>
    run({ remove_edges: [{ source: 'Check', target: 'Work', sourceHandle: 'else' }] }),
  unknown_handle: () => run(edge('Check', 'Writer', 'elif_1')),
  unknown_knowledge_base: () => add('agent', inline({ knowledge_bases: [{ id: 'no-kb' }] })),
  unknown_model: () => add('agent', inline({ model: 'gpt-5.3' })),
  unknown_output_field: () => add('agent', inline({ input: '<Start.output.kin>' })),
  'unknown_output_field/no_inputs': () =>
    run(
      {
        add_blocks: [{ id: 'n', type: 'agent', name: 'New', config: inline({ input: '<Go.output.kind>' }) }],
        add_edges: [{ source: 'Go', target: 'n' }],
      },
      graph([block('Go', { type: 'starter', config: { input: {} } })]),
    ),
  unknown_source: () =>
    add('platform_api', { resource: 'sources', operation: 'get', params: { source_id: 'no-source' } }),
  unreachable: () => run({ add_blocks: [{ type: 'code', name: 'New' }] }),
  url_private_host: () => http('http://10.0.0.1/x'),
  url_scheme: () => http('nowhere/x'),
  'url_scheme/corrected': () => http('a.test/x'),
  'url_scheme/no_address': () => http('https://'),
  'url_scheme/other': () => http('ftp://a.test'),
  url_template_host: () => http('https://<Start.output.kind>.test'),
};
const NOWHERE = { block: null, field: null };

/** Whether a problem has the words of a finding. */
function hasWordsOf(id: FindingId, { message, hint }: Problem): boolean {
  const isFilled = (words: string, text: string): boolean => {
    const parts = words.split(/\{\w+\}/).map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'));
    return new RegExp(`^${parts.join('.*')}$`, 's').test(text);
  };
  return isFilled(FINDINGS[id].message, message) && isFilled(FINDINGS[id].hint, hint ?? '');
}

function told(id: FindingId): Problem {
  const problems = MISTAKES[id]();
  const found = problems.find((each) => each.code === id.split('/')[0] && hasWordsOf(id, each));
  assert.ok(found, `${id} is not among ${JSON.stringify(problems)}`);
  return found;
}

test('every finding says what is wrong and what to do, in whole sentences without gaps', () => {
  const texts = Object.fromEntries(
    (Object.keys(FINDINGS) as FindingId[]).map((id) => {
      const { message, hint } = told(id);
      for (const text of [message, hint ?? '']) {
        // What is to be copied stands at the end, without a full stop.
        assert.match(text, /^\S.*[.)]$|(?:^|\. )(?:Write:|Add the line:) \S.*\S$/s, `${id}: ${text}`);
        assert.doesNotMatch(
          text,
          /undefined|null\.|\[object|\{(?:block|field|name)\}| {2}|\. *\./,
          `${id}: ${text}`,
        );
        assert.ok(text.length <= 600, `${id} has ${text.length} characters`);
      }
      return [id, { message, hint }];
    }),
  );
  assertKeptJson('problems.json', texts);
});

test('a message names the block that its problem is about', () => {
  // Of the graph, of the call, or of a name or id that is not a block's own.
  const general =
    /^(?:no_trigger|second_trigger|too_many|config_too_large\/|edge_cycle|empty_edit|invalid_edit|invalid_name|duplicate_|unknown_block_type)/;
  for (const id of (Object.keys(FINDINGS) as FindingId[]).filter((name) => !general.test(name))) {
    const { block: name, message } = told(id);
    assert.ok(name !== null && message.includes(name), `${id}: ${name} in ${message}`);
  }
});

test('what is not there is answered with the nearest that is', () => {
  const nearest: [FindingId, RegExp][] = [
    ['code_unknown_block', /^Nearest: Work\. /],
    ['reference_to_missing_block', /^Nearest: Work\. /],
    ['unknown_block', /^Nearest: Work/],
    ['unknown_block_type', /^Nearest: agent/],
    ['unknown_config_key', /^Nearest: method\. /],
    ['unknown_model', /^Nearest: gpt-5\.2/],
    ['unknown_output_field', /kind/],
    ['unknown_handle', /if, else/],
    ['duplicate_name', /Reply 2/],
  ];
  for (const [id, hint] of nearest) assert.match(told(id).hint!, hint, id);
});
