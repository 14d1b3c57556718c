/** What a model is told of the block types. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import type { Block, Graph } from '../../../domain/graph/graph.ts';
import { blockTypes } from '../../../domain/rules/block-registry.ts';
import { checkGraph } from '../../../domain/rules/check-graph.ts';
import { explainBlockTypes, type ModelChoice } from '../../../domain/rules/explain-block-types.ts';
import { isObject } from '../../../domain/text/json.ts';
import { MODELS } from '../../../models/models.ts';
import { editTools } from '../../support/edit-tool.ts';
import { block } from '../../support/graph-builders.ts';
import { assertKept } from '../../support/kept-text.ts';

const python = createPythonChecker();
const models: ModelChoice[] = MODELS.map(({ id, price, temperature }) => ({
  id,
  outputPrice: price === null ? null : Number(price.output),
  temperature,
}));

const context = {
  turnId: 't',
  sessionId: 's',
  workflowId: 'w',
  signal: new AbortController().signal,
  workingGraph: () => Promise.reject(new Error('not needed')),
  userMessages: () => Promise.reject(new Error('not needed')),
};
const ask = async (types: string[]) =>
  (await editTools.run('get_block_info', { block_types: types }, context)).result;

/** A block of a type with its example, below blocks of the names that the example refers to. */
function exampleGraph(type: string): Graph {
  const { example, trigger, handles } = blockTypes.find((known) => known.type === type)!;
  const start = block('Start', {
    type: 'starter',
    config: { input: { repository: 'a/b', city: 'Berlin', price: 1, count: 1, order: 'A7' } },
  });
  const name = block('Name', { type, config: example });
  const code = (of: string): Block =>
    block(of, { config: { code: 'output = {"score": 1}', language: 'python' } });
  const chain = trigger ? [name] : [start, code('Check'), code('Summarise'), name];
  const end = block('End', { type: 'response', config: { output: 'done' } });
  const after = type === 'response' ? [] : [end];
  const all = [...chain, ...after];
  const plain = all.slice(1).map((target, at) => ({ source: all[at]!.id, target: target.id }));
  const named = handles(example).map((sourceHandle) => ({ source: name.id, target: end.id, sourceHandle }));
  return {
    blocks: all,
    edges: named.length === 0 ? plain : [...plain.filter(({ source }) => source !== name.id), ...named],
  };
}

test('each type is explained in the kept words', async () => {
  for (const { type } of blockTypes)
    assertKept(`block-info/${type}.json`, `${JSON.stringify(await ask([type]), null, 2)}\n`);
});

test('what all types share is said once in an answer, and no list or object is empty', async () => {
  const all = JSON.stringify(await ask(blockTypes.map(({ type }) => type)));
  const each = await Promise.all(blockTypes.map(({ type }) => ask([type])));
  assert.equal(all.split('Not known here means').length, 2);
  assert.ok(countTokens(all) < 0.7 * each.reduce((sum, one) => sum + countTokens(JSON.stringify(one)), 0));
  assert.ok(!/\[\]|":\{\}/.test(all.replaceAll('default {}', '')));
});

test('every field, default, limit, handle and choice of the registry is told', () => {
  for (const type of blockTypes) {
    const told = JSON.stringify(explainBlockTypes([type], models).block_types[0]);
    assert.ok(told.includes(JSON.stringify(type.purpose)));
    for (const field of type.fields) {
      const { config } = explainBlockTypes([type], models).block_types[0]!;
      const line = isObject(config) ? config[field.name] : undefined;
      assert.ok(typeof line === 'string', field.name);
      assert.ok(line.endsWith(`. ${field.description}`), field.name);
      for (const part of [...(field.enum ?? [field.type]), field.min, field.max])
        if (part !== undefined) assert.ok(line.includes(String(part)), `${field.name}: ${part}`);
      assert.equal(line.includes(', required'), field.required ?? false);
      if (field.default !== undefined) assert.ok(line.includes(`default ${JSON.stringify(field.default)}`));
    }
    if (type.handles(type.example).length > 0) assert.ok(told.includes('"handles"'));
  }
});

test('every example passes every rule', () => {
  for (const { type } of blockTypes) {
    const found = checkGraph(exampleGraph(type), { python }).map(({ problem }) => problem);
    assert.deepEqual(found, [], type);
  }
});

test('every output has its exact reference, and the rules accept it', () => {
  for (const { type, outputs, references } of blockTypes) {
    assert.equal(Object.keys(outputs).length > 0, Object.keys(references).length > 0, type);
    for (const key of Object.keys(outputs))
      assert.ok(
        key === 'output' || key === '<input key>' || `<Name.output.${key}>` in references,
        `${type}.${key}`,
      );
    for (const reference of Object.keys(references)) {
      const { blocks, edges } = exampleGraph(type);
      const reading = blocks.map((item) =>
        item.name === 'End' ? { ...item, config: { output: { value: reference } } } : item,
      );
      const found = checkGraph({ blocks: reading, edges }, { python }).map(({ problem }) => problem);
      assert.deepEqual(found, [], `${type}: ${reference}`);
    }
  }
});

test('a reference that is not listed is refused or warned about where the fields are known', () => {
  for (const type of ['starter', 'general_api', 'agent']) {
    const { blocks, edges } = exampleGraph(type);
    const reading = blocks.map((item) =>
      item.name === 'End' ? { ...item, config: { output: '<Name.output.nothing_of_it>' } } : item,
    );
    const codes = checkGraph({ blocks: reading, edges }, { python }).map(({ code }) => code);
    assert.ok(codes.includes('unknown_output_field') || codes.includes('field_of_text'), type);
  }
});

test('an agent is told the models by price, and which of them take no temperature', () => {
  const told = (of: ModelChoice[]): unknown =>
    explainBlockTypes(
      blockTypes.filter(({ type }) => type === 'agent'),
      of,
    ).block_types[0]!.models;
  const text = String(told(models));
  for (const { id, temperature } of models) assert.ok(text.includes(temperature ? id : `${id}*`), id);
  assert.match(text, /low: [^;]*claude-haiku-4-5\*[^;]*; medium: [^;]*gpt-4\.1[^;]*; high: [^;]*gpt-5\.2/);
  assert.match(
    String(told([{ id: 'own', outputPrice: null, temperature: true }])),
    /^By price\. unknown: own\./,
  );
  assert.equal(told([]), undefined);
});

test('unknown types come with the nearest ones', async () => {
  const some = await ask(['condition', 'agnet']);
  assert.deepEqual((some as { unknown: object[] }).unknown, [{ type: 'agnet', nearest: ['agent'] }]);
  const none = await ask(['emial']);
  assert.equal((none as { code: string }).code, 'unknown_block_type');
});
