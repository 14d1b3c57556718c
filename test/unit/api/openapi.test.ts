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
  parameters: { name?: string; in?: string }[];
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
  ajv.addFormat('uuid', /^[0-9a-f-]{36}$/i).addFormat('date-time', /^\d{4}-\d{2}-\d{2}T[\d:.]+Z$/);
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
      assert.equal(security?.length === 0, !path.startsWith('/api/') || path === '/api/openapi.json', path);
    }
  }
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
