/** The OpenAPI 3.1 document of the API, made from its routes. */
import type { Route } from '../http/route.ts';
import { toOperation, toTemplate } from './operation.ts';
import { createSchemaBook } from './schema-book.ts';

/** The version of package.json. */
export const API_VERSION = '0.1.0';

const TAGS = [
  { name: 'Sessions', description: 'Conversations about one workflow.' },
  { name: 'Messages', description: 'What was said, and applying or undoing what a message proposes.' },
  { name: 'Chat', description: 'Starts turns.' },
  { name: 'Turns', description: 'What the copilot does for one message.' },
  { name: 'Settings', description: 'Which model the copilot runs on.' },
  { name: 'Usage', description: "The platform's bill." },
  { name: 'Audit', description: 'Who changed what.' },
  { name: 'Workflows', description: 'The workflows of the project and their block types.' },
  { name: 'Health', description: 'For those who run it.' },
  { name: 'Description', description: 'This document.' },
];

const HEADERS = {
  'X-Request-Id': {
    description: "The id of the request: the caller's own when it is short and plain.",
    schema: { type: 'string' },
  },
  'X-Trace-Id': {
    description:
      'The id of the OpenTelemetry trace of the request, when the service makes traces. Probes have none.',
    schema: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  },
  'X-Turn-Id': { description: 'The turn that is streamed.', schema: { type: 'string', format: 'uuid' } },
  'Retry-After': { description: 'Seconds after which it may work.', schema: { type: 'integer' } },
  'WWW-Authenticate': { description: 'What is wrong with the token.', schema: { type: 'string' } },
  ETag: { description: 'Changes with the content: send it as If-None-Match.', schema: { type: 'string' } },
};

/** Describes the routes. */
export function describeRoutes(routes: readonly Route[]) {
  const book = createSchemaBook();
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) (paths[toTemplate(route.path)] ??= {})[route.method] = toOperation(route, book);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Workflow copilot',
      version: API_VERSION,
      description:
        'Each chat turn is a durable workflow, streamed over SSE. Every GET answers HEAD as well. Skip fields and events that you do not know.',
    },
    servers: [{ url: '/' }],
    security: [{ bearer: [] }, { apikey: [] }],
    tags: TAGS,
    paths,
    components: {
      schemas: Object.fromEntries(Object.entries(book.components).sort(([a], [b]) => (a < b ? -1 : 1))),
      headers: HEADERS,
      parameters: {
        RequestId: {
          name: 'X-Request-Id',
          in: 'header',
          description: 'An id of your own, of up to 64 letters, digits, `_`, `.` and `-`.',
          schema: { type: 'string' },
        },
      },
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          bearerFormat: 'JWT',
          description: 'HS256. Its `role` is service_role, or authenticated with a `sub` and an `exp`.',
        },
        apikey: {
          type: 'apiKey',
          in: 'header',
          name: 'apikey',
          description: 'The same token; read when there is no Authorization header.',
        },
      },
    },
  };
}
