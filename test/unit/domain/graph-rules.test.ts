/**
 * Every rule of docs/graph-rules.md, and every failure of earlier systems that the rules prevent. One file, because it is
 * the list of that page, with a test for each row.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import { applyDiff } from '../../../domain/graph/apply-diff.ts';
import { checkGraph, MAX_BLOCKS, MAX_EDGES } from '../../../domain/rules/check-graph.ts';
import { diffGraph } from '../../../domain/graph/diff-graph.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import { PROBLEM_CODES, type Problem } from '../../../domain/rules/finding.ts';
import type { GraphEdit } from '../../../domain/edit/graph-edit.ts';
import type { Graph } from '../../../domain/graph/graph.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { nameKey } from '../../../domain/graph/find-block.ts';
import { listReferences } from '../../../domain/rules/reference.ts';
import { block, countingIds, graph, referringEdit, referringGraph } from '../../support/graph-builders.ts';
import { repeats } from '../../support/repeats.ts';

const python = createPythonChecker();
const project = {
  missing: {
    agent: new Set(['no-agent']),
    knowledge_base: new Set(['no-kb']),
    source: new Set(['no-source']),
  },
  unknownModels: new Set(['gpt-5.9']),
  models: ['gpt-5.2', 'gpt-4o'],
};
const ports = { python, project };

const start = block('Start', { type: 'starter', config: { input: { order: '', kind: '' } } });
const check = block('Check', {
  type: 'condition',
  config: { branches: [{ expression: '<Start.output.kind> == "new"' }, { expression: 'true' }] },
});
const fan = block('Fan', { type: 'split', config: { branches: 2 } });
const reply = block('Reply', { type: 'response', config: { output: 'done', status_code: 200 } });
/** Start -> Check, if -> Work -> Reply, elif_1 -> Other -> Reply, else -> Reply; Start -> Fan. */
const base = graph(
  [start, check, fan, block('Work'), block('Other'), reply],
  [
    'start -> check',
    'check[if] -> work',
    'check[elif_1] -> other',
    'check[else] -> reply',
    'work -> reply',
    'other -> reply',
    'start -> fan',
  ],
);

const edit = (on: Graph, change: GraphEdit) =>
  editGraph({ graph: on, edit: change, newId: countingIds(), aliases: new Map(), ports });
function accepted(on: Graph, change: GraphEdit) {
  const outcome = edit(on, change);
  assert.ok(outcome.applied, JSON.stringify(outcome, null, 1));
  return outcome;
}
function refused(on: Graph, change: GraphEdit): Problem[] {
  const outcome = edit(on, change);
  assert.ok(!outcome.applied, 'the edit was accepted');
  for (const found of outcome.problems) {
    assert.deepEqual(
      Object.keys(found),
      ['code', 'severity', 'block', 'field', 'message', 'hint', 'was_there_before'],
      'a problem has its seven parts',
    );
    assert.equal(found.severity, 'error');
  }
  return outcome.problems;
}
const refusal = (on: Graph, change: GraphEdit, code: string) =>
  assert.ok(
    refused(on, change).some((found) => found.code === code && !found.was_there_before),
    `${code} in ${JSON.stringify(refused(on, change).map((found) => found.code))}`,
  );
function warning(on: Graph, change: GraphEdit, code: string, severity = 'warning'): Problem {
  const found = accepted(on, change).warnings.find((item) => item.code === code);
  assert.ok(found, `${code} in ${JSON.stringify(accepted(on, change).warnings.map((item) => item.code))}`);
  assert.equal(found.severity, severity);
  return found;
}
const silent = (on: Graph, change: GraphEdit, code: string) =>
  assert.ok(!accepted(on, change).warnings.some((item) => item.code === code), `${code} is told`);
const add = (type: string, config: JsonObject, name = 'New', after = 'Work'): GraphEdit => ({
  add_blocks: [{ id: 'n', type, name, config }],
  add_edges: [{ source: after, target: 'n' }],
});
const update = (id: string, config: JsonObject): GraphEdit => ({ update_blocks: [{ id, config }] });
const code = (text: string): GraphEdit => add('code', { code: text });

test('rule 1: an unknown type is refused with the nearest', () => {
  refusal(base, add('agnt', {}), 'unknown_block_type');
  assert.match(refused(base, add('agnt', {}))[0]!.hint!, /agent/);
});

test('rule 2: ids and names are unique, trimmed and can be spelled in references', () => {
  refusal(base, { add_blocks: [{ id: 'work', type: 'code', name: 'N' }] }, 'duplicate_id');
  refusal(base, { add_blocks: [{ type: 'code', name: ' wORK ' }] }, 'duplicate_name');
  for (const name of ['a.b', 'a<b', 'Step (v2)', ''])
    refusal(base, { add_blocks: [{ type: 'code', name }] }, 'invalid_name');
  assert.equal(
    accepted(base, { add_blocks: [{ type: 'code', name: '  New  ' }] }).graph.blocks.at(-1)!.name,
    'New',
  );
});

test('rule 3: a target is an id, a temporary id or a unique name', () => {
  refusal(base, { remove_blocks: ['Nobody'] }, 'unknown_block');
  const twins = graph([block('Twin', { id: 'a' }), block('twin', { id: 'b' })]);
  refusal(twins, update('Twin', { code: 'output = 2' }), 'ambiguous_name');
});

test('rule 4: what the server owns does not change', () => {
  refusal(base, { update_blocks: [{ id: 'Work', type: 'agent' }] }, 'locked_field');
  const hook = graph([block('Hook', { type: 'webhook', config: { webhook_id: 'w', webhook_secret: 's' } })]);
  refusal(hook, update('Hook', { webhook_secret: 'x' }), 'server_owned_field');
});

test('rule 5: an edge has two ends that differ, once', () => {
  refusal(base, { add_edges: [{ source: 'Work', target: 'Work' }] }, 'self_edge');
  refusal(base, { add_edges: [{ source: 'Work', target: 'Reply' }] }, 'duplicate_edge');
  refusal(base, { remove_edges: [{ source: 'Reply', target: 'Work' }] }, 'unknown_edge');
  assert.ok(checkGraph(graph([], ['a -> b'])).some((found) => found.code === 'dangling_edge'));
});

test('rule 6: a cycle is refused, with its path', () => {
  const on = graph([block('A'), block('B')], ['a -> b']);
  assert.match(refused(on, { add_edges: [{ source: 'B', target: 'A' }] })[0]!.message, /B -> A -> B/);
});

test('rule 7: nothing goes into a trigger or out of a response', () => {
  refusal(base, { add_edges: [{ source: 'Work', target: 'Start' }] }, 'edge_into_trigger');
  refusal(base, { add_edges: [{ source: 'Reply', target: 'Work' }] }, 'edge_out_of_response');
});

test('rule 8: handles are those of the block', () => {
  refusal(base, { add_edges: [{ source: 'Check', target: 'Fan' }] }, 'handle_required');
  refusal(
    base,
    { add_edges: [{ source: 'Check', target: 'Fan', sourceHandle: 'elif_2' }] },
    'unknown_handle',
  );
  refusal(base, { add_edges: [{ source: 'Fan', target: 'Work', sourceHandle: '3' }] }, 'unknown_handle');
  refusal(
    base,
    { add_edges: [{ source: 'Work', target: 'Other', sourceHandle: 'if' }] },
    'handle_not_allowed',
  );
  accepted(base, { add_edges: [{ source: 'Fan', target: 'Other', sourceHandle: '2' }] });
});

test('rule 10: branches shrink only with their edges', () => {
  const smaller = { branches: [{ expression: 'true' }] };
  refusal(base, update('Check', smaller), 'unknown_handle');
  accepted(base, { ...update('Check', smaller), remove_edges: [{ source: 'Check', target: 'Other' }] });
});

test('rule 11: removing a block takes its edges and tells of references left behind', () => {
  const on = graph(
    [
      start,
      block('Work'),
      block('Say', { type: 'agent', config: { agent_id: 'a', input: '<Work.output>' } }),
    ],
    ['start -> work', 'work -> say'],
  );
  const outcome = accepted(on, { remove_blocks: ['Work'] });
  assert.deepEqual(outcome.changes.edges_removed, ['Start -> Work', 'Work -> Say']);
  const left = outcome.warnings.find((found) => found.code === 'reference_to_missing_block');
  assert.deepEqual([left?.block, left?.field, left?.severity], ['Say', 'input', 'warning']);
});

test('rule 12: a shortcut is told, never removed; an optional step is none', () => {
  const on = graph([start, block('A'), block('B')], ['start -> a', 'a -> b']);
  const outcome = accepted(on, { add_edges: [{ source: 'Start', target: 'B' }] });
  assert.ok(outcome.warnings.some((found) => found.code === 'shortcut_edge'));
  assert.equal(outcome.graph.edges.length, 3);
  const optional = graph(
    [start, check, block('B'), block('C')],
    ['start -> check', 'check[if] -> b', 'check[else] -> c'],
  );
  silent(optional, { add_edges: [{ source: 'B', target: 'C' }] }, 'shortcut_edge');
});

test('rule 13: a branch without an edge is told', () => {
  const told = accepted(base, add('condition', { branches: [{ expression: 'true' }] })).warnings;
  assert.equal(told.filter((found) => found.code === 'branch_without_edge').length, 2);
});

test('rule 14: one trigger, not two; none is told', () => {
  refusal(base, { add_blocks: [{ type: 'webhook', name: 'Hook' }] }, 'second_trigger');
  warning(
    graph([]),
    { add_blocks: [{ type: 'code', name: 'A', config: { code: 'output = 1' } }] },
    'no_trigger',
  );
});

test('rule 15: what is never reached, leads nowhere or stands alone is told', () => {
  warning(base, { add_blocks: [{ type: 'code', name: 'A', config: { code: 'output = 1' } }] }, 'unreachable');
  warning(
    base,
    { add_blocks: [{ type: 'code', name: 'A', config: { code: 'output = 1' } }] },
    'isolated',
    'info',
  );
  warning(base, code('output = 1'), 'dead_end');
  silent(base, add('general_api', { url: 'https://a.test', method: 'POST' }), 'dead_end');
});

test('rule 16: graphs, configs and code have a size', () => {
  const many = Array.from({ length: MAX_BLOCKS }, (_, n) => block(`B${n}`));
  refusal({ blocks: many, edges: [] }, { add_blocks: [{ type: 'code', name: 'N' }] }, 'too_many_blocks');
  const edges = Array.from({ length: MAX_EDGES }, (_, n) => ({
    source: many[Math.floor(n / 60)]!.id,
    target: many[100 + (n % 60)]!.id,
  }));
  refusal({ blocks: many, edges }, { add_edges: [{ source: 'B90', target: 'B200' }] }, 'too_many_edges');
  refusal(base, update('Work', { extra: 'x'.repeat(65_536) }), 'config_too_large');
  refusal(base, code(`output = 1 # ${'x'.repeat(32_768)}`), 'code_too_long');
});

test('rule 17: what a type needs and lacks is told', () => {
  const lacks = (type: string, config: JsonObject): string[] =>
    accepted(base, add(type, config))
      .warnings.filter((found) => found.code === 'missing_config')
      .map((found) => found.field!);
  assert.deepEqual(lacks('agent', {}).sort(), ['input', 'model', 'system_prompt']);
  assert.deepEqual(lacks('agent', { agent_id: 'a' }), ['input']);
  assert.deepEqual(lacks('agent', { model: 'gpt-4o', system_prompt: 'x', input: 'y' }), []);
  assert.deepEqual(lacks('code', {}), ['code']);
  assert.deepEqual(lacks('response', {}), ['output']);
  assert.deepEqual(lacks('condition', {}), ['branches']);
  assert.deepEqual(lacks('condition', { branches: [{ expression: ' ' }] }), ['branches']);
  assert.deepEqual(lacks('general_api', {}), ['url']);
  assert.deepEqual(lacks('platform_api', {}).sort(), ['operation', 'resource']);
  refusal(base, add('split', { branches: 1 }), 'invalid_config');
  const empty = graph([block('Start', { type: 'starter', config: { input: {} } })]);
  warning(empty, add('response', { output: '<Start.output.x>' }, 'R', 'Start'), 'unknown_output_field');
});

test('rule 18: values have their kind', () => {
  for (const [type, config] of [
    ['response', { output: 'x', status_code: 600 }],
    ['response', { output: 'x', status_code: '200' }],
    ['agent', { agent_id: 'a', input: 'x', temperature: 2.1 }],
    ['general_api', { url: 'https://a.test', method: 'FETCH' }],
    ['general_api', { url: 'https://a.test', method: 'POST', headers: 'no json' }],
    ['general_api', { url: 'https://a.test', method: 'POST', body_type: 'json', body: '{"a":' }],
    ['split', { branches: 2.5 }],
    ['condition', { branches: [{ expression: 5 }] }],
  ] as [string, JsonObject][])
    refusal(base, add(type, config), 'invalid_config');
  accepted(
    base,
    add('general_api', {
      url: 'https://a.test',
      method: 'POST',
      body_type: 'json',
      body: '{"a": "<Work.output>"}',
    }),
  );
});

test('rule 19: unknown keys are told; an agent by id takes no model, prompt or knowledge bases', () => {
  assert.match(
    warning(base, add('code', { code: 'output = 1', lang: 'python' }), 'unknown_config_key').hint!,
    /Nearest: language/,
  );
  for (const inline of [
    { model: 'gpt-4o' },
    { system_prompt: 'x' },
    { knowledge_bases: [{ id: 'k' }] },
  ] as JsonObject[])
    refusal(base, add('agent', { agent_id: 'a', input: 'x', ...inline }), 'agent_id_with_inline');
});

test('rule 20: ids and models are the project’s', () => {
  refusal(base, add('agent', { agent_id: 'no-agent', input: 'x' }), 'unknown_agent');
  refusal(
    base,
    add('agent', { model: 'gpt-4o', system_prompt: 'x', input: 'x', knowledge_bases: [{ id: 'no-kb' }] }),
    'unknown_knowledge_base',
  );
  refusal(
    base,
    add('platform_api', { resource: 'sources', operation: 'get', params: { source_id: 'no-source' } }),
    'unknown_source',
  );
  refusal(base, add('agent', { model: 'gpt-5.9', system_prompt: 'x', input: 'x' }), 'unknown_model');
  assert.match(
    refused(base, add('agent', { model: 'gpt-5.9', system_prompt: 'x', input: 'x' }))[0]!.hint!,
    /Nearest: gpt-5\.2/,
  );
  accepted(base, add('agent', { agent_id: '<Start.output.order>', input: 'x' }));
});

test('rule 21: addresses are http, public and written out', () => {
  const call = (url: string) => add('general_api', { url, method: 'GET' });
  for (const url of ['ftp://a.test', 'javascript:alert(1)', 'file:///etc/passwd', 'a.test/x', 'https://'])
    refusal(base, call(url), 'url_scheme');
  for (const host of [
    'localhost',
    '127.0.0.1',
    '10.1.2.3',
    '192.168.0.1',
    '172.20.0.1',
    '169.254.169.254',
    '[::1]',
    '0x7f.1',
    '2130706433',
    'db.internal',
    'postgres',
  ])
    warning(base, call(`http://${host}:8080/x`), 'url_private_host');
  for (const url of [
    'https://<Start.output.order>/x',
    'https://api.<Start.output.order>.test',
    '<Start.output.order>',
    '{{url}}',
  ])
    warning(base, call(url), 'url_template_host');
  for (const url of [
    'https://a.test/<Start.output.order>?q=<Start.output.kind>',
    'HTTPS://A.test:443',
    'http://8.8.8.8/',
  ]) {
    silent(base, call(url), 'url_private_host');
    silent(base, call(url), 'url_template_host');
  }
});

test('rule 22: Python parses, reads input_data and assigns output', () => {
  refusal(base, code('  '), 'code_empty');
  const [fault] = refused(base, code('x = 1\nif x\n  output = 2'));
  assert.deepEqual([fault!.code, /line 2/.test(fault!.message)], ['code_syntax', true]);
  for (const wrong of [
    'print "a"',
    'return 1',
    'def f(:\n  pass',
    'if True:\n  a = 1\n b = 2',
    'f() = 3',
    'break',
  ])
    refusal(base, code(wrong), 'code_syntax');
  warning(base, code('output = input["Work"]'), 'code_input');
  silent(base, code('input = input_data["Work"]["output"]\noutput = input'), 'code_input');
  warning(base, code('output = input_data["Nowhere"]["output"]'), 'code_unknown_block');
  warning(base, code('output = input_data["Other"]["output"]'), 'code_not_upstream');
  warning(base, code('result = 1'), 'code_no_output');
  for (const fine of [
    'output = 1',
    'if 1:\n  output = 2\nelse:\n  output = 3',
    'for output in [1]: pass',
    'x = (output := 1)',
    '# input_data["Ghost"]\noutput = "input_data[\'Ghost\']"',
  ]) {
    silent(base, code(fine), 'code_no_output');
    silent(base, code(fine), 'code_unknown_block');
  }
  warning(base, code('output = f"{input_data["Ghost"]["output"]}"'), 'code_unknown_block');
});

test('rule 22: names that nothing defines are told, and keys outside of output', () => {
  for (const [wrong, hint] of [
    ['output = json.dumps(1)', /import json/],
    ['output = inputdata["Work"]', /input_data/],
    ['output = total', /Define/],
  ] as const)
    assert.match(warning(base, code(wrong), 'code_undefined_name').hint!, hint);
  refusal(base, code('output = true'), 'code_undefined_name');
  for (const fine of [
    'import json\noutput = json.dumps(1)',
    'output = [x for x in range(3)]',
    'def f(a):\n  return a\noutput = f(len("a"))',
    'output = __name__',
  ])
    silent(base, code(fine), 'code_undefined_name');
  const reads = (text: string) => code(`output = ${text}`);
  warning(base, reads('input_data["Start"]["order"]'), 'code_without_output');
  silent(base, reads('input_data["Start"]["output"]["order"]'), 'code_without_output');
  warning(base, reads('input_data["Start"]["output"]["ordr"]'), 'unknown_output_field');
  assert.match(
    refused(base, code('x = <Start.output.order>\noutput = x'))[0]!.hint!,
    /\["output"\]\["order"\]/,
  );
});

test('rule 23: secrets never go into a graph; placeholders are told', () => {
  for (const config of [
    { url: 'https://a.test', method: 'GET', headers: { Authorization: 'Bearer abcdefghijklmnopqrstuv' } },
    { url: 'https://a.test', method: 'GET', headers: { 'x-api-key': 'abc123' } },
    { url: 'https://user:hunter2@a.test', method: 'GET' },
    { url: 'https://a.test', method: 'POST', body: { password: 'hunter2' } },
  ] as JsonObject[])
    refusal(base, add('general_api', config), 'secret_literal');
  for (const secret of [
    'sk-abcdefghijklmnopqrstu',
    `sk-ant-${'a1b2'.repeat(6)}`,
    'ghp_abcdefghijklmnopqrstuvwxyz0123456789',
    'xoxb-1234567890-abc',
    'AKIAABCDEFGHIJKLMNOP',
    '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  ])
    refusal(base, code(`key = """${secret}"""\noutput = key`), 'secret_literal');
  const headers = { Authorization: 'Bearer <Start.output.order>', 'x-api-key': '{{secrets.key}}' };
  accepted(base, add('general_api', { url: 'https://a.test', method: 'GET', headers }));
  accepted(base, add('agent', { agent_id: 'a', input: 'x', max_tokens: 5 }));
  for (const text of ['your-api-key-here', 'https://api.example.com/x', 'TODO: ask'])
    warning(
      base,
      add('general_api', { url: 'https://a.test', method: 'POST', body: { a: text } }),
      'placeholder',
    );
});

test('rule 24: references name a block that runs before', () => {
  const say = (input: string) => add('agent', { agent_id: 'a', input });
  refusal(base, say('<Ghost.output>'), 'reference_to_missing_block');
  refusal(base, say('<Step (v2).output>'), 'reference_to_missing_block');
  refusal(base, say('<New.output>'), 'reference_to_itself');
  refusal(base, say('<Other.output>'), 'reference_not_upstream');
  accepted(base, say('<start.output.order> and <Work.output>'));
  warning(base, update('Reply', { output: '<Work.output>' }), 'reference_may_be_skipped');
  silent(base, update('Work', { code: 'output = input_data["Check"]' }), 'reference_may_be_skipped');
  // What stood there and lost its way is told, not refused.
  const on = graph(
    [start, block('A', { type: 'agent', config: { agent_id: 'a', input: '<Start.output.order>' } })],
    ['start -> a'],
  );
  warning(on, { remove_edges: [{ source: 'Start', target: 'A' }] }, 'reference_not_upstream');
});

test('rule 24: forms that are no references are refused where they name a block', () => {
  const say = (input: string) => add('agent', { agent_id: 'a', input });
  for (const [wrong, right] of [
    ['<Start.order>', '<Start.output.order>'],
    ['{{Start.order}}', '<Start.output.order>'],
    ['{{ Start.output.order }}', '<Start.output.order>'],
    ['${Work.output}', '<Work.output>'],
  ] as const) {
    const [found] = refused(base, say(`Look at ${wrong}.`));
    assert.deepEqual([found!.code, found!.hint], ['reference_form', `Write: ${right}`]);
  }
  for (const fine of ['<b.x>', '<Summary>', '{{name}}', '<Start>']) accepted(base, say(fine));
  // A block that takes the name of a text that stood there before is no reason to refuse.
  const on = graph(
    [start, block('A', { type: 'agent', config: { agent_id: 'a', input: '<Late.x>' } })],
    ['start -> a'],
  );
  warning(
    on,
    { add_blocks: [{ type: 'code', name: 'Late', config: { code: 'output = 1' } }] },
    'reference_form',
  );
});

test('rule 24: code that reads a skipped block with a default, or checks for it, is silent', () => {
  const reads = (text: string) => update('Late', { code: `output = ${text}` });
  const on = graph(
    [...base.blocks, block('Late')],
    ['start -> check', 'check[if] -> work', 'check[elif_1] -> other', 'work -> late', 'other -> late'],
  );
  for (const bare of [
    'input_data["Work"]["output"]',
    'input_data.get("Work")["output"]',
    'input_data.get("Work", {})["output"]',
    'input_data.get("Work").get("output")',
  ])
    warning(on, reads(bare), 'reference_may_be_skipped');
  for (const guarded of [
    'input_data.get("Work", {}).get("output")',
    'input_data.get("Work", {"output": 1})["output"]',
    '(input_data.get("Work") or {}).get("output")',
    'input_data["Work"]["output"] if "Work" in input_data else 0',
    '0 if "Work" not in input_data else input_data["Work"]["output"]',
    'None\ntry:\n  output = input_data["Work"]["output"]\nexcept KeyError:\n  pass',
  ])
    silent(on, reads(guarded), 'reference_may_be_skipped');
});

test('rule 25: fields are those that the output has', () => {
  warning(base, update('Work', { x: '<Start.output.nothing>' }), 'unknown_output_field');
  silent(base, update('Work', { x: '<Start.output.order>' }), 'unknown_output_field');
  const on = graph(
    [start, block('Ask', { type: 'agent', config: { model: 'gpt-4o', system_prompt: 's', input: 'i' } })],
    ['start -> ask'],
  );
  refusal(on, add('response', { output: '<Ask.output.total>' }, 'R', 'Ask'), 'field_of_text');
  accepted(on, add('response', { output: '<Ask.output>' }, 'R', 'Ask'));
});

test('rule 26: a rename rewrites references in configs, expressions and code keys, and lists where', () => {
  const on = graph(
    [
      start,
      block('Use', {
        config: {
          code: '# input_data["Start"] is the entry\noutput = [input_data["Start"]["output"], input_data.get(\'Start\'), "Start", "input_data[\'Start\']"]',
        },
      }),
      block('If', { type: 'condition', config: { branches: [{ expression: '<Start.output.order> > 5' }] } }),
    ],
    ['start -> use', 'start -> if'],
  );
  const { graph: after, changes } = accepted(on, { update_blocks: [{ id: 'Start', name: 'Ärger 1' }] });
  assert.deepEqual(changes.references_rewritten, ['Use', 'If']);
  assert.equal(
    after.blocks[1]!.config.code,
    '# input_data["Start"] is the entry\noutput = [input_data["Ärger 1"]["output"], input_data.get(\'Ärger 1\'), "Start", "input_data[\'Start\']"]',
  );
  assert.deepEqual(after.blocks[2]!.config.branches, [{ expression: '<Ärger 1.output.order> > 5' }]);
});

test('rule 27: a call is atomic, and old faults are told apart', () => {
  const on = graph([start, block('Bad', { config: { code: 'def' } })], ['start -> bad']);
  accepted(on, { update_blocks: [{ id: 'Bad', position: { x: 1, y: 2 } }] });
  const problems = refused(on, {
    update_blocks: [{ id: 'Bad', config: { language: 'ruby' } }],
    add_blocks: [{ type: 'code', name: 'Fine' }],
  });
  assert.deepEqual(
    problems.map((found) => [found.code, found.was_there_before]),
    [
      ['invalid_config', false],
      ['code_syntax', true],
    ],
  );
});

test('rule 28: the result has the graph, its blocks and edges', () => {
  const outcome = accepted(base, code('output = 1'));
  assert.equal(outcome.graph.blocks.at(-1)!.name, 'New');
});

test('rule 29: what is not touched stays byte-equal', () => {
  const odd = block('Odd', {
    enabled: false,
    config: { code: 'output = 1', mystery: { deep: [1] } },
    position: { x: 0.1, y: -7 },
  });
  const { graph: after } = accepted(graph([start, odd], ['start -> odd']), {
    update_blocks: [{ id: 'Start', name: 'Begin' }],
  });
  assert.equal(JSON.stringify(after.blocks[1]), JSON.stringify(odd));
});

test('the condition grammar: what can not be one is refused, what is doubtful is told', () => {
  const when = (expression: Json) => update('Check', { branches: [{ expression }, { expression: 'true' }] });
  for (const wrong of ['(<Start.output.order> > 1', '<Start.output.order> == "x', '1)', '> 5', 'a b', '"x"'])
    refusal(base, when(wrong), 'expression_syntax');
  warning(base, when('sum(<Start.output.order>) > 1'), 'expression_syntax');
  // An old fault that moves to another branch is an old fault.
  const old = accepted(
    graph([start, block('Old', { type: 'condition', config: { branches: [{ expression: 'a' }] } })], []),
    update('Old', { branches: [{ expression: '1 == 1' }, { expression: 'a' }] }),
  );
  assert.ok(!old.warnings.some((item) => item.code === 'expression_syntax'));
  for (const fine of [
    '<Start.output.order> > 5 and not (<Start.output.kind> == "x")',
    'len(<Start.output.order>) >= 1',
    '<Start.output.order>.get("a")[0] != null',
    '1 < 2 and true or not false',
    '"a" in <Start.output.order>',
    '<Start.output.order> not in ["a", \'b\']',
    '-1 * 2 % 3 <= 4',
  ])
    silent(base, when(fine), 'expression_syntax');
});

// What systems of this kind have done wrong.
test('failure 1: the else edge of an optional step stays', () => {
  const diamond = graph(
    [start, check, block('B'), block('C')],
    ['start -> check', 'check[if] -> b', 'check[elif_1] -> b', 'check[else] -> c', 'b -> c'],
  );
  const outcome = accepted(diamond, update('B', { code: 'output = 2' }));
  assert.deepEqual(outcome.graph.edges, diamond.edges);
  assert.ok(!outcome.warnings.some((found) => found.code === 'shortcut_edge'));
});

test('failure 2 and 3: only a condition’s edges carry a condition; a plain block has no handle', () => {
  // The persisted form is checked in test/integration/api/resources.test.ts; here, that no edge can say otherwise.
  refusal(
    base,
    { add_edges: [{ source: 'Work', target: 'Other', sourceHandle: '1' }] },
    'handle_not_allowed',
  );
});

test('failure 4: added and then removed in one turn is gone', () => {
  const one = accepted(base, code('output = 1'));
  const two = accepted(one.graph, { remove_blocks: ['New'] });
  assert.equal(diffGraph(base, two.graph), null);
});

test('failure 5: two updates of one block both count', () => {
  const one = accepted(base, update('Work', { a: 1 }));
  const two = accepted(one.graph, update('Work', { b: 2 }));
  assert.deepEqual(diffGraph(base, two.graph)?.update_blocks, [{ id: 'work', config: { a: 1, b: 2 } }]);
});

test('failure 6: a block that was just added is found by its temporary id, never an older one by name', () => {
  const one = accepted(base, {
    add_blocks: [{ id: 'tmp', type: 'code', name: 'Later', config: { code: 'output = 1' } }],
  });
  const two = editGraph({
    graph: one.graph,
    edit: update('tmp', { code: 'output = 2' }),
    newId: countingIds('x'),
    aliases: one.aliases,
    ports,
  });
  assert.ok(two.applied);
  assert.equal(two.graph.blocks.at(-1)!.config.code, 'output = 2');
  refusal(base, { add_blocks: [{ type: 'code', name: 'Work' }] }, 'duplicate_name');
});

test('failure 7: updates rename, move, clear a key and merge deep', () => {
  const on = graph([block('A', { config: { code: 'output = 1', deep: { keep: 1, drop: 2 } } })]);
  const { graph: after } = accepted(on, {
    update_blocks: [
      { id: 'A', name: 'B', position: { x: 9, y: 9 }, config: { deep: { drop: null, more: 3 } } },
    ],
  });
  assert.deepEqual(
    [after.blocks[0]!.name, after.blocks[0]!.position, after.blocks[0]!.config.deep],
    ['B', { x: 9, y: 9 }, { keep: 1, more: 3 }],
  );
});

test('failure 8: an edge that dangles is refused, or found and removed', () => {
  refusal(base, { add_edges: [{ source: 'Work', target: 'Ghost' }] }, 'unknown_block');
  const dangling = graph([block('A')], ['a -> ghost']);
  assert.deepEqual(accepted(dangling, { remove_edges: [{ source: 'A', target: 'ghost' }] }).graph.edges, []);
});

test('failure 9: a disabled block stays disabled', () => {
  const off = graph([block('A', { enabled: false })]);
  assert.equal(accepted(off, update('A', { code: 'output = 2' })).graph.blocks[0]!.enabled, false);
});

test('failure 10: a name that references can not spell is refused, and so is a reference to it', () => {
  refusal(base, { update_blocks: [{ id: 'Work', name: 'Step (v2)' }] }, 'invalid_name');
  refusal(base, update('Reply', { output: '<Step (v2).output>' }), 'reference_to_missing_block');
});

test('failure 11: an unresolved reference in a condition is refused', () => {
  refusal(
    base,
    update('Check', { branches: [{ expression: '<Ghost.output> > 1' }, { expression: 'true' }] }),
    'reference_to_missing_block',
  );
});

test('failure 12: a block without an edge into it would run, and is told', () => {
  assert.match(
    warning(
      base,
      { add_blocks: [{ type: 'code', name: 'Lost', config: { code: 'output = 1' } }] },
      'unreachable',
    ).message,
    /would still run/,
  );
});

test('failure 13: equal names are told apart by number', () => {
  const twins = graph([block('Work', { id: 'a' }), block('Work', { id: 'b' })]);
  assert.deepEqual(
    accepted(twins, update('Work #2', { code: 'output = 2' })).graph.blocks.map((item) => item.config.code),
    ['output = 1', 'output = 2'],
  );
});

test('failure 14: a type word as an input is told, since it is the default', () => {
  warning(
    graph([]),
    { add_blocks: [{ type: 'starter', name: 'S', config: { input: { a: 'string' } } }] },
    'type_word_input',
  );
});

test('failure 15: an edge without a target is a typed problem', () => {
  refusal(base, { add_edges: [{ source: 'Work' } as never] }, 'invalid_edit');
});

test('random edits of random graphs with references: nothing accepted brings a new error, the diff leads there', () => {
  fc.assert(
    fc.property(referringGraph, fc.array(referringEdit, { minLength: 1, maxLength: 6 }), (first, edits) => {
      let work = first;
      for (const change of edits) {
        const outcome = editGraph({
          graph: work,
          edit: change,
          newId: countingIds(`e${edits.indexOf(change)}`),
          aliases: new Map(),
          ports,
        });
        if (!outcome.applied) continue;
        assertNoNewError(work, outcome.graph, outcome.changes.references_rewritten !== undefined);
        work = outcome.graph;
        const diff = diffGraph(first, work);
        const applied = diff === null ? first : applyDiff(first, diff);
        assert.deepEqual(sorted(applied), sorted(work));
      }
    }),
    { numRuns: repeats({ test: 100, soak: 4_000 }) },
  );
});

const sorted = (of: Graph) => ({
  blocks: of.blocks.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  edges: of.edges.map((item) => JSON.stringify(item)).sort(),
});

/** By code and block id; a reference that was there before and lost its target is told, not refused. */
function assertNoNewError(before: Graph, after: Graph, renamed: boolean): void {
  const errors = (of: Graph) => checkGraph(of, ports).filter((found) => found.problem.severity === 'error');
  const references = new Set(
    before.blocks.flatMap((item) =>
      listReferences(item.config, python).map(({ name, path }) => `${item.id} ${nameKey(name)}${path}`),
    ),
  );
  const was = new Map<string, number>();
  for (const found of errors(before)) was.set(found.code, (was.get(found.code) ?? 0) + 1);
  const now = new Map<string, number>();
  for (const found of errors(after)) {
    if (found.reference !== undefined) {
      const [id, , name, path] = JSON.parse(found.reference) as string[];
      if (renamed || references.has(`${id} ${name}${path}`)) continue;
    }
    now.set(found.code, (now.get(found.code) ?? 0) + 1);
  }
  for (const [found, count] of now) assert.ok(count <= (was.get(found) ?? 0), found);
}

test('docs/graph-rules.md names every code, and for each rule a test that exists', () => {
  const docs = readFileSync(new URL('../../../docs/graph-rules.md', import.meta.url), 'utf8');
  const rows = docs
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim()));
  assert.deepEqual(
    rows.map((row) => Number(row[1])),
    Array.from({ length: 30 }, (_, index) => index + 1),
  );
  const named = new Set(
    [...docs.split('## The words')[0]!.matchAll(/`([a-z_]+)`/g)].map((match) => match[1]),
  );
  for (const known of PROBLEM_CODES) assert.ok(named.has(known), `${known} is not in the table`);
  const files = [
    'graph-rules.test.ts',
    'edit-graph.test.ts',
    'diff.test.ts',
    '../../integration/api/resources.test.ts',
    '../../integration/workflows/chat-turn.test.ts',
    '../../integration/api/http.test.ts',
  ];
  const tests = files.map((file) => readFileSync(new URL(file, import.meta.url), 'utf8')).join('\n');
  for (const row of rows) {
    const title = row[5]!;
    assert.ok(title !== '' && tests.includes(title), `rule ${row[1]}: no test is called ${title}`);
  }
});
