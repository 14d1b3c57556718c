/**
 * Holds what a server of this process answers to the description of the API: each status, the headers, the body, each event
 * of a stream. Fields that the description does not name are faults.
 */
import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { createParser } from 'eventsource-parser';
import { describeRoutes } from '../../api/openapi/document.ts';
import { routes } from '../../api/routes.ts';
import { UUID } from '../../domain/text/uuid.ts';

type JsonNode = null | boolean | number | string | JsonNode[] | { [key: string]: JsonNode };

interface Response {
  headers: Record<string, unknown>;
  content?: Record<string, object>;
}

interface Operation {
  pattern: RegExp;
  method: string;
  /** Where its responses are in the document. */
  pointer: string;
  responses: Record<string, Response>;
}

/** What was answered. */
export interface Exchange {
  method: string;
  path: string;
  status: number;
  headers: Readonly<Record<string, unknown>>;
  body: string;
}

const CHANNEL = 'http.server.request.start';
const DATE_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/;
/** Answered before a route is known. */
const WITHOUT_ROUTE = new Set([400, 401, 403, 404, 405, 503]);

const document = JSON.parse(JSON.stringify(describeRoutes(routes))) as {
  paths: Record<string, Record<string, { responses: Record<string, Response> }>>;
};
const ajv = new Ajv2020({ strict: false, validateSchema: false });
ajv
  .addFormat('uuid', UUID)
  .addFormat('uri', (text) => URL.canParse(text))
  .addFormat('date-time', DATE_TIME);
ajv.addSchema(closed(JSON.parse(JSON.stringify(document)) as JsonNode) as object, 'api');

const operations: Operation[] = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, { responses }]) => ({
    pattern: new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}/?$`),
    method: method.toUpperCase(),
    pointer: `api#/paths/${path.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')}/${method}/responses`,
    responses,
  })),
);

/** The document with every object closed to fields that it does not name. */
function closed(node: JsonNode): JsonNode {
  if (Array.isArray(node)) return node.map(closed);
  if (typeof node !== 'object' || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, closed(value)]));
  const isOpen = !('properties' in copy) || copy.type !== 'object' || 'additionalProperties' in copy;
  return isOpen ? copy : { ...copy, additionalProperties: false };
}

const validators = new Map<string, ValidateFunction>();
function validatorOf($ref: string): ValidateFunction {
  const known = validators.get($ref) ?? ajv.compile({ $ref });
  validators.set($ref, known);
  return known;
}

/** What an answer is that the description does not say, in words. */
export function faultsOf(exchange: Exchange): string[] {
  const { method, path, status, headers, body } = exchange;
  const faults: string[] = [];
  const say = (fault: string) => faults.push(`${method} ${path} ${status}: ${fault}`);
  // The server's own answer to an Expect header, written past the application; and the files of the Studio page.
  if (status === 417 || path === '/' || path.startsWith('/assets/')) return faults;
  if (typeof headers['x-request-id'] !== 'string') say('has no X-Request-Id');
  const found = operations.find(
    (one) => one.pattern.test(path) && one.method === (method === 'HEAD' ? 'GET' : method),
  );
  if (found === undefined) {
    if (method === 'OPTIONS' || isPageFile(path, status)) return faults;
    if (!WITHOUT_ROUTE.has(status)) say('is not described');
    judge('api#/components/schemas/Error', body, method, say);
    return faults;
  }
  const response = found.responses[String(status)];
  if (response === undefined) {
    say(`the status is not described: ${body.slice(0, 200)}`);
    return faults;
  }
  for (const name of Object.keys(response.headers))
    if (headers[name.toLowerCase()] === undefined && !isOptional(name, status)) say(`has no ${name}`);
  const [type] = Object.keys(response.content ?? {});
  if (type === undefined) {
    if (body !== '') say(`has a body: ${body.slice(0, 200)}`);
    return faults;
  }
  if (!String(headers['content-type']).startsWith(type)) say(`is ${String(headers['content-type'])}`);
  const schema = `${found.pointer}/${status}/content/${type.replace('/', '~1')}/schema`;
  if (type === 'text/event-stream') for (const data of eventsOf(body)) judge(schema, data, method, say);
  else if (type === 'application/json') judge(schema, body, method, say);
  return faults;
}

/** The page's own files are no part of the API; their errors have the API's form. */
function isPageFile(path: string, status: number): boolean {
  return (path === '/' || path.startsWith('/assets/')) && [200, 304, 503].includes(status);
}

/** Without traces no answer has their id. A 503 that no waiting mends carries no Retry-After. */
function isOptional(name: string, status: number): boolean {
  return name === 'X-Trace-Id' || (name === 'Retry-After' && status === 503);
}

function judge(schema: string, text: string, method: string, say: (fault: string) => void): void {
  if (method === 'HEAD') {
    if (text !== '') say('has a body');
    return;
  }
  const validate = validatorOf(schema);
  const value: unknown = JSON.parse(text);
  if (!validate(value)) say(`${ajv.errorsText(validate.errors)}: ${text.slice(0, 300)}`);
}

function eventsOf(body: string): string[] {
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => events.push(data) });
  parser.feed(body);
  return events;
}

export interface AnswerWatch {
  stop(): void;
  /** Fails when answers were judged and one had a fault, but for those that match `expected`. */
  assertNone(expected?: readonly RegExp[]): void;
}

/** Watches the server of this process that listens on the port, until it is stopped. */
export function watchAnswers(port: number): AnswerWatch {
  const faults = new Set<string>();
  const onRequest = (message: unknown): void => {
    const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
    if (request.socket.localPort !== port) return;
    const { method = '', url = '' } = request;
    const body = collect(response);
    response.once('close', () => {
      // A client that went away before anything was written, or in the middle of an answer, got no answer.
      const isStream = String(response.getHeader('content-type')).startsWith('text/event-stream');
      if (!response.headersSent || !(response.writableFinished || isStream)) return;
      const exchange = {
        method,
        path: pathOf(url),
        status: response.statusCode,
        headers: response.getHeaders(),
        body: body(),
      };
      for (const fault of faultsOf(exchange))
        faults.add(fault.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/gi, '<id>'));
    });
  };
  subscribe(CHANNEL, onRequest);
  return {
    stop: () => unsubscribe(CHANNEL, onRequest),
    assertNone(expected = []) {
      const found = [...faults].filter((fault) => !expected.some((pattern) => pattern.test(fault)));
      assert.deepEqual(found, [], 'an answer is not as the description of the API says');
    },
  };
}

function pathOf(url: string): string {
  const path = url.startsWith('/') || !URL.canParse(url) ? url : new URL(url).pathname;
  return path.split('?')[0]!;
}

/** What is written to a response, as text. */
function collect(response: ServerResponse): () => string {
  const chunks: Buffer[] = [];
  const keep = (chunk: unknown): void => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array) chunks.push(Buffer.from(chunk));
  };
  for (const name of ['write', 'end'] as const) {
    const original = response[name].bind(response) as (...rest: unknown[]) => never;
    response[name] = (...rest: unknown[]) => {
      keep(rest[0]);
      return original(...rest);
    };
  }
  return () => Buffer.concat(chunks).toString();
}
