/** The tools as models get them: a data file for each form of the schemas, valid examples, and a bound on their tokens. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { TOOLS } from '../../../activities/tools/index.ts';
import { editGraph } from '../../../domain/edit/edit-graph.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import { isObject } from '../../../domain/text/json.ts';
import { schemaFor } from '../../../llm/adapters/strict-schema.ts';
import { countWith } from '../../../llm/context/count-tokens.ts';
import { block, countingIds, graph } from '../../support/graph-builders.ts';
import { productTools } from '../../support/product-tools.ts';
import { assertKeptJson } from '../../support/kept-text.ts';

const { definitions } = productTools(
  TOOLS.map(({ name }) => name),
  {},
);
const FORMS = { plain: false, strict: true };
/** The tools whose schema has an open object, which no strict schema may have. */
const OPEN = ['manage_project_asset', 'modify_workflow'];
/** The tokens of all tools (o200k_base) in this form. They are sent with every model call. */
const MOST_TOKENS = { plain: 1_640, strict: 1_740 };

for (const [form, takesStrict] of Object.entries(FORMS)) {
  test(`the ${form} form of every tool is that of its data file`, async () => {
    const sent = definitions.map(({ name, description, parameters }) => ({
      name,
      description,
      ...schemaFor(parameters, takesStrict),
    }));
    for (const tool of sent) assertKeptJson(`tool-schemas/${tool.name}.${form}.json`, tool);
    assert.deepEqual(
      sent.filter(({ strict }) => !strict).map(({ name }) => name),
      takesStrict ? OPEN : definitions.map(({ name }) => name),
    );
    const count = await countWith('o200k_base', 1);
    const tokens = count(JSON.stringify(sent));
    assert.ok(tokens <= MOST_TOKENS[form as keyof typeof FORMS], `${tokens} tokens`);
  });
}

test('no schema names a null, nests one anyOf in another, or requires what may be left out', () => {
  for (const { name, parameters } of definitions) {
    const text = JSON.stringify(parameters);
    assert.ok(!text.includes('"null"') && !text.includes('anyOf'), name);
    const strict = schemaFor(parameters, true).parameters;
    visit(strict, (node) => {
      for (const part of Array.isArray(node.anyOf) ? node.anyOf : [])
        assert.ok(isObject(part) && !('anyOf' in part), name);
    });
  }
});

test('the example of every description is valid, in the plain form and, with nulls, in the strict form', () => {
  const ajv = new Ajv({ strict: false });
  for (const { name, description, parameters } of definitions) {
    const example = exampleOf(description);
    for (const takesStrict of [false, true]) {
      const schema = schemaFor(parameters, takesStrict);
      const value = schema.strict ? withNulls(example, schema.parameters) : example;
      assert.ok(ajv.validate(schema.parameters, value), `${name}: ${ajv.errorsText()}`);
    }
  }
});

test('the example of modify_workflow is an edit that is applied', () => {
  const { description } = definitions.find(({ name }) => name === 'modify_workflow')!;
  const on = graph([block('Start', { type: 'starter' }), block('Summarise')], ['start -> summarise']);
  const edit = exampleOf(description);
  const outcome = editGraph({ graph: on, edit, newId: countingIds(), aliases: new Map() });
  assert.ok(outcome.applied, JSON.stringify(outcome));
});

function exampleOf(description: string): JsonObject {
  const text = /^Example[^{]*(\{.*\})$/m.exec(description)?.[1];
  assert.ok(text, description);
  return JSON.parse(text) as JsonObject;
}

/** The arguments as a model of the strict form writes them: null in place of what is left out. */
function withNulls(value: JsonObject, { properties }: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.keys(properties as JsonObject).map((key): [string, Json] => [key, value[key] ?? null]),
  );
}

function visit(value: Json, see: (node: JsonObject) => void): void {
  if (Array.isArray(value)) for (const item of value) visit(item, see);
  else if (isObject(value)) {
    see(value);
    for (const item of Object.values(value)) visit(item, see);
  }
}
