/** What a route's types refuse, and in which order its parts are judged. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { open } from '../../../api/http/access.ts';
import { json, nothing } from '../../../api/http/answer.ts';
import { HttpError } from '../../../api/http/http-error.ts';
import { defineRoute, type Route } from '../../../api/http/route.ts';
import { describedAs } from '../../../api/openapi/described-as.ts';
import { createSchemaBook } from '../../../api/openapi/schema-book.ts';

const facts = { method: 'get', path: '/x', operationId: 'x', summary: 'x', tag: 'x' } as const;
const answers = json(200, z.object({ name: z.string() }));

test('a handler answers what is described; anything else does not compile', () => {
  const base = { ...facts, access: open, input: {} };
  const routes = [
    defineRoute({ ...base, answers, handle: ({ answer }) => answer({ name: 'a' }) }),
    // @ts-expect-error: a field that is not described.
    defineRoute({ ...base, answers, handle: ({ answer }) => answer({ name: 'a', secret: 1 }) }),
    // @ts-expect-error: a field of another type.
    defineRoute({ ...base, answers, handle: ({ answer }) => answer({ name: 1 }) }),
    // @ts-expect-error: a missing field.
    defineRoute({ ...base, answers, handle: ({ answer }) => answer({}) }),
    // @ts-expect-error: a body where none is described.
    defineRoute({ ...base, answers: nothing, handle: ({ answer }) => answer({ name: 'a' }) }),
    // @ts-expect-error: no answer at all.
    defineRoute({ ...base, answers, handle: () => ({ name: 'a' }) }),
    // @ts-expect-error: an open route has no principal.
    defineRoute({ ...base, answers, handle: ({ answer, principal }) => answer({ name: principal.role }) }),
    // @ts-expect-error: what is not read is not there.
    defineRoute({ ...base, answers, handle: ({ answer, body }) => answer({ name: body.name }) }),
  ];
  assert.equal(routes.length, 8);
});

/** Only what open routes use of the dependencies, which is nothing. */
const deps = {} as Parameters<Route['run']>[1];

test('the body is judged before the ids of the path, these before the query, this before the headers', async () => {
  const wrong = (message: string) => z.looseObject({ a: z.string({ error: message }) });
  const missing = z.object({
    id: z.string().refine(() => false, { error: 'no such thing', params: { status: 404 } }),
  });
  const route = defineRoute({
    ...facts,
    access: open,
    input: { headers: wrong('header'), query: wrong('query'), params: missing, body: wrong('body') },
    answers,
    handle: ({ answer }) => answer({ name: 'a' }),
  });
  const refusal = async (parts: Record<'body' | 'query' | 'headers', object>, id: string) => {
    const request = { ...parts, params: { id }, requestId: 'r', principal: undefined };
    const error: unknown = await route.run(request, deps).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof HttpError);
    return [error.status, error.message];
  };
  assert.deepEqual(await refusal({ body: {}, query: {}, headers: {} }, 'x'), [400, 'body']);
  assert.deepEqual(await refusal({ body: { a: 'x' }, query: {}, headers: {} }, 'x'), [404, 'no such thing']);
});

test('two schemas of one name that differ are refused, and a stand-in is told by its shape', () => {
  const book = createSchemaBook();
  const told = z.object({ a: z.string() }).meta({ id: 'RouteTestThing' });
  const read = describedAs(
    told,
    z.unknown().transform((value) => value),
  );
  assert.deepEqual(book.write(read, 'input'), { $ref: '#/components/schemas/RouteTestThing' });
  assert.throws(
    () => book.write(z.object({ a: z.number() }).meta({ id: 'RouteTestThing' }), 'input'),
    /RouteTestThing/,
  );
});
