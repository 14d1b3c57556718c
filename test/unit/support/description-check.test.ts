/** The check of answers against the description notices what it is for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Exchange, faultsOf } from '../../support/description-check.ts';

const ID = '0e6f7a34-8a3e-4b55-8a0c-2f9f1b9f7a01';
const SESSION = { id: ID, workflow_id: ID, created_at: '2026-01-31T12:00:00.000Z' };
const json = (status: number, body: unknown, more: Partial<Exchange> = {}): Exchange => ({
  method: 'POST',
  path: '/api/copilot/sessions',
  status,
  headers: { 'content-type': 'application/json; charset=utf-8', 'x-request-id': ID },
  body: JSON.stringify(body),
  ...more,
});
const stream = (...events: object[]): Exchange =>
  json(200, null, {
    path: `/api/copilot/sessions/${ID}/chat`,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': ID, 'x-turn-id': ID },
    body: `retry: 1000\n\n${events.map((event) => `data: ${JSON.stringify(event)}\n\nid: 1\n\n`).join('')}`,
  });
const status = { event: 'status', seq: 1, message: 'Thinking...', step: 1 };

test('what the description says has no fault', () => {
  for (const exchange of [
    json(201, SESSION),
    json(404, { error: 'No workflow exists with the given ID' }),
    json(404, { error: 'There is nothing at this path' }, { path: '/nothing' }),
    json(200, null, { method: 'HEAD', path: '/healthz', body: '' }),
    json(200, null, { method: 'GET', path: '/assets/index-abc.js', body: '\u001F\uFFFD' }),
    json(404, { error: 'There is nothing at this path' }, { path: '/assets/other.js' }),
    json(204, null, { method: 'DELETE', path: `/api/copilot/sessions/${ID}`, body: '' }),
    stream(status, { event: 'status', message: 'Waiting for a worker...' }),
  ])
    assert.deepEqual(faultsOf(exchange), []);
});

test('a field, a status, a header, a type or an event that it does not say is a fault', () => {
  for (const [exchange, pattern] of [
    [json(201, { ...SESSION, secret: 1 }), /additional properties/],
    [json(201, { ...SESSION, id: 'x' }), /uuid/],
    [json(201, { id: ID }), /required property/],
    [json(200, SESSION), /not described/],
    [json(404, { error: 'x', stack: 'y' }), /additional properties/],
    [json(201, SESSION, { headers: { 'content-type': 'application/json' } }), /X-Request-Id/],
    [json(201, SESSION, { headers: { 'content-type': 'text/plain', 'x-request-id': ID } }), /text\/plain/],
    [json(418, { error: 'x' }, { path: '/nothing' }), /not described/],
    [json(204, {}, { method: 'DELETE', path: `/api/copilot/sessions/${ID}` }), /has a body/],
    [stream({ ...status, extra: 1 }), /additional properties/],
    [stream({ event: 'unheard', seq: 1 }), /must match/],
    [stream({ event: 'content_delta', delta: 'x', step: 1 }), /'seq'/],
  ] as const)
    assert.match(faultsOf(exchange).join(), pattern);
});
