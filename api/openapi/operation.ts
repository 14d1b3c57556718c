/** A route as an OpenAPI operation. */
import type { z } from 'zod';
import { errorAnswer, type ErrorStatus } from '../../contracts/http/errors.ts';
import type { ErrorMeaning, Route } from '../http/route.ts';
import type { Direction, JsonSchema, SchemaBook } from './schema-book.ts';

/** Header names in their usual case. HTTP ignores the case. */
const HEADER_NAMES: Readonly<Record<string, string>> = {
  'idempotency-key': 'Idempotency-Key',
  'last-event-id': 'Last-Event-ID',
};

/** The errors that every route may have, by the kind of route. */
const COMMON: Readonly<Partial<Record<ErrorStatus, { meaning: string; of: (route: Route) => boolean }>>> = {
  400: { meaning: 'Something is malformed, missing or wrong; the message names it.', of: () => true },
  401: { meaning: 'There is no token, or it is not valid.', of: ({ isOpen }) => !isOpen },
  403: { meaning: 'The role of the token may not do this.', of: ({ isOpen }) => !isOpen },
  413: { meaning: 'The body is larger than 8 MB.', of: takesBody },
  415: { meaning: 'The body is not JSON in UTF-8.', of: takesBody },
  429: { meaning: 'A limit is reached; the message names it.', of: isLimited },
  500: { meaning: 'A fault of the service; its log has the request id.', of: () => true },
  503: { meaning: 'Something is away or busy: nothing was done.', of: () => true },
};

/** The headers of a response beside X-Request-Id, by status. */
const STATUS_HEADERS: Readonly<Record<number, string[]>> = {
  401: ['WWW-Authenticate'],
  403: ['WWW-Authenticate'],
  429: ['Retry-After'],
  503: ['Retry-After'],
};

function takesBody({ method }: Route): boolean {
  return method === 'post' || method === 'put';
}

/** The bytes of bodies and the open streams have limits. */
function isLimited(route: Route): boolean {
  return takesBody(route) || route.answers.contentType === 'text/event-stream';
}

/** `/a/:id` as `/a/{id}`. */
export function toTemplate(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

/** The operation of a route. The schemas that it refers to are written into the book. */
export function toOperation(route: Route, book: SchemaBook) {
  const { operationId, summary, description, tag, isOpen, opensTo, input } = route;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(isOpen ? { security: [] } : {}),
    ...(opensTo === undefined ? {} : { security: [{}, { bearer: [] }, { apikey: [] }] }),
    parameters: toParameters(route, book),
    ...(input.body === undefined
      ? {}
      : {
          requestBody: { required: true, content: toContent('application/json', input.body, book, 'input') },
        }),
    responses: toResponses(route, book),
  };
}

function toParameters({ input: { params, query, headers } }: Route, book: SchemaBook) {
  const own = [
    { place: 'path', schema: params },
    { place: 'query', schema: query },
    { place: 'header', schema: headers },
  ].flatMap(({ place, schema }) => {
    const { properties = {}, required = [] }: JsonSchema =
      schema === undefined ? {} : book.write(schema, 'input');
    return Object.entries(properties).map(([name, property]) => {
      const { description, ...rest }: JsonSchema = typeof property === 'object' ? property : {};
      return {
        name: HEADER_NAMES[name] ?? name,
        in: place,
        ...(required.includes(name) ? { required: true } : {}),
        ...(description === undefined ? {} : { description }),
        schema: rest,
      };
    });
  });
  return [...own, { $ref: '#/components/parameters/RequestId' }];
}

function toResponses(route: Route, book: SchemaBook) {
  const { answers, errors = {} } = route;
  const meanings = new Map<number, ErrorMeaning>();
  for (const [status, { meaning, of }] of Object.entries(COMMON))
    if (of(route)) meanings.set(Number(status), meaning);
  for (const [status, meaning] of Object.entries(errors)) {
    const common = meanings.get(Number(status));
    const both = typeof meaning === 'string' && typeof common === 'string';
    meanings.set(Number(status), both ? `${common} Or: ${meaning}` : meaning);
  }
  const success = {
    description: answers.description ?? answers.schema?.meta()?.description ?? route.summary,
    headers: toHeaders(answers.headers ?? []),
    ...(answers.contentType === null
      ? {}
      : { content: toContent(answers.contentType, answers.schema, book, 'output') }),
  };
  const failures = [...meanings].map(([status, given]) => {
    const { meaning, schema } = typeof given === 'string' ? { meaning: given, schema: errorAnswer } : given;
    return [
      status,
      {
        description: meaning,
        headers: toHeaders(STATUS_HEADERS[status] ?? []),
        content: toContent('application/json', schema, book, 'output'),
      },
    ] as const;
  });
  const more = answers.also ?? {};
  return Object.fromEntries([
    [answers.status, success],
    ...Object.entries(more).map(([status, meaning]) => [
      status,
      { description: meaning, headers: toHeaders(answers.headers ?? []) },
    ]),
    ...failures,
  ]);
}

function toHeaders(names: readonly string[]) {
  return Object.fromEntries(
    ['X-Request-Id', 'X-Trace-Id', ...names].map((name) => [name, { $ref: `#/components/headers/${name}` }]),
  );
}

function toContent(type: string, schema: z.ZodType | null, book: SchemaBook, direction: Direction) {
  return { [type]: { schema: schema === null ? { type: 'string' } : book.write(schema, direction) } };
}
