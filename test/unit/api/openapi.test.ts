/** The description of the API, judged by an independent validator, and held to the routes that are served. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describeRoutes } from '../../../api/openapi/document.ts';
import { createDescriptionRoute } from '../../../api/openapi/routes.ts';
import { routes } from '../../../api/routes.ts';
import { chatRequest } from '../../../contracts/http/chat.ts';
import { blockInput } from '../../../contracts/http/graphs.ts';
import { usageQuery } from '../../../contracts/http/usage.ts';
import { newWorkflowRequest } from '../../../contracts/http/workflows.ts';
import { turnEventSchemas } from '../../../contracts/events.ts';

interface Schema {
  $ref?: string;
  examples?: unknown[];
  [key: string]: unknown;
}
interface Operation {
  operationId: string;
  tags: string[];
  security?: [];
  parameters: { name?: string; in?: string; schema?: Schema }[];
  responses: Record<string, { description: string; content?: Record<string, { schema: Schema }> }>;
}
interface Document {
  info: { version: string };
  tags: { name: string }[];
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const text = JSON.stringify(describeRoutes(routes));
const document = JSON.parse(text) as Document;
const operations = Object.values(document.paths).flatMap((methods) => Object.values(methods));

test('the document is made when the route is prepared, and not again', async () => {
  let asked = 0;
  const route = createDescriptionRoute(() => {
    asked += 1;
    return routes;
  });
  await route.prepare?.();
  assert.equal(asked, 1);
  const request = { requestId: 'id', principal: undefined, params: {}, query: {}, headers: {}, body: {} };
  // The handler asks for nothing of the API.
  const answer = await route.run(request, {} as never);
  assert.deepEqual([answer.status, asked], [200, 1]);
});

test('an independent validator finds the document valid', async () => {
  const validator = new Validator();
  assert.deepEqual(await validator.validate(JSON.parse(text) as Record<string, unknown>), { valid: true });
  assert.equal(validator.version, '3.1');
});

test('every reference leads to something, and every component is referred to', () => {
  const referred = new Set(
    [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(([, id]) => id!),
  );
  assert.deepEqual([...referred].sort(), Object.keys(document.components.schemas).sort());
});

test('every example fits its schema', () => {
  const ajv = new Ajv2020({ strict: false });
  ajv
    .addFormat('uri', (text) => URL.canParse(text))
    .addFormat('uuid', /^[0-9a-f-]{36}$/i)
    .addFormat('date-time', /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
  ajv.addSchema(JSON.parse(text) as object, 'api');
  let count = 0;
  for (const [id, { examples = [] }] of Object.entries(document.components.schemas)) {
    const validate = ajv.compile({ $ref: `api#/components/schemas/${id}` });
    for (const example of examples) {
      count += 1;
      assert.ok(validate(example), `${id}: ${JSON.stringify(validate.errors)}`);
    }
  }
  assert.ok(count > 15, `${count} examples`);
});

test('every operation has a name of its own, a known tag, and a description of each answer', () => {
  const names = operations.map(({ operationId }) => operationId);
  assert.equal(new Set(names).size, names.length);
  const tags = new Set(document.tags.map(({ name }) => name));
  for (const { operationId, tags: own, responses } of operations) {
    assert.ok(own.every((tag) => tags.has(tag)) && own.length === 1, operationId);
    for (const [status, { description }] of Object.entries(responses))
      assert.ok(description.length > 3, `${operationId} ${status}`);
  }
  assert.deepEqual(
    [...tags].sort(),
    [...new Set(operations.flatMap(({ tags: own }) => own))].sort(),
    'each tag is used',
  );
});

test('every path parameter is described, and open routes say that they need no token', () => {
  for (const [path, methods] of Object.entries(document.paths)) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name!);
    for (const [method, { parameters, security }] of Object.entries(methods)) {
      const described = parameters.filter((one) => one.in === 'path').map(({ name }) => name);
      assert.deepEqual(new Set(described), new Set(named), `${method} ${path}`);
      const isOpen = !path.startsWith('/api/') || path === '/api/openapi.json';
      assert.equal(security?.length === 0, isOpen && path !== '/metrics', path);
    }
  }
  const { security } = document.paths['/metrics']!.get!;
  assert.deepEqual(security?.at(0), {}, 'a program on the same machine needs no token');
});

test('the times of the bill are described as they are read', () => {
  for (const name of ['from', 'to'] as const) {
    const described = document.paths['/api/copilot/usage']!.get!.parameters.find((one) => one.name === name);
    const fits = new Ajv2020({ strict: false }).compile(described!.schema!);
    for (const text of [
      '2026-01-31',
      '2026-01-31T12:00Z',
      '2026-01-31T12:00:00.123456+01:00',
      '2026-01-31T12:00:00-0130',
    ])
      assert.deepEqual([fits(text), usageQuery.safeParse({ [name]: text }).success], [true, true], text);
    for (const text of [
      'soon',
      '2026',
      '2026-01-31T12:00',
      '20260131',
      '2026-01-31T12:00:00z',
      ' 2026-01-31',
    ])
      assert.deepEqual([fits(text), usageQuery.safeParse({ [name]: text }).success], [false, false], text);
  }
});

test('what a name and a message must have is described, as far as a schema can say that', () => {
  const { NewWorkflow, BlockInput, Chat } = document.components.schemas;
  const read = {
    NewWorkflow: newWorkflowRequest.shape.name,
    BlockInput: blockInput.shape.name,
    Chat: chatRequest.shape.message,
  };
  for (const [id, schema, field] of [
    ['NewWorkflow', NewWorkflow, 'name'],
    ['BlockInput', BlockInput, 'name'],
    ['Chat', Chat, 'message'],
  ] as const) {
    const described = (schema!.properties as Record<string, Schema>)[field]!;
    assert.match(String(described.description), /can be seen/, id);
    const fits = new Ajv2020({ strict: false }).compile(described);
    for (const text of ['', 'a', '\u{1F600}'.repeat(255), ` ${'a'.repeat(254)}`, 'a'.repeat(255)])
      assert.equal(fits(text), read[id].safeParse(text).success, `${id} ${text.length}`);
  }
  assert.equal(
    new Ajv2020({ strict: false }).compile((BlockInput!.properties as Record<string, Schema>).name!)(
      'a'.repeat(256),
    ),
    false,
  );
});

test('every event of the stream is a schema of its own', () => {
  const events = document.components.schemas.StreamedEvent?.anyOf as Schema[];
  assert.equal(events.length, Object.keys(turnEventSchemas).length);
  for (const { $ref } of events) assert.match($ref!, /^#\/components\/schemas\/\w+Event$/);
});

test('the version is that of package.json', () => {
  const file = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8');
  assert.equal(document.info.version, (JSON.parse(file) as { version: string }).version);
});
