/** No secret leaves through a log line, whichever way it came in, and a line stays one JSON object. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hideInText } from '../../../domain/text/hide-secrets.ts';
import { createLogger, type Logger } from '../../../runtime/logger.ts';
import { cpuMs } from '../../support/cpu-time.ts';

const JWT = 'eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.c2lnbmF0dXJlLWNhbmFyeQ';
/** Text around a secret, and the part that must be gone. */
const SECRETS: [text: string, canary: string][] = [
  ['Authorization: Bearer canary.token+/=1 rest', 'canary'],
  ['authorization: bearer canary-token', 'canary'],
  ['Incorrect API key provided: sk-proj-canary-0123456789.', 'canary'],
  ['first line\nsk-canary-0123456789', 'canary'],
  [`token ${JWT} refused`, 'c2lnbmF0dXJlLWNhbmFyeQ'],
  [`cut short: ${JWT.slice(0, 40)}`, 'eyJyb2xl'],
  ['connect postgres://copilot:canary@127.0.0.1:5432/db', 'canary'],
  ['connect postgresql://copilot:can/ary%21@host/db', 'ary'],
  ['no user: postgres://:canary@host/db', 'canary'],
  ['proxy http://me:canary@proxy:3128', 'canary'],
];

/** What a logger writes, as text. */
const linesOf = (write: (logger: Logger) => void): string => {
  let lines = '';
  write(
    createLogger(
      { level: 'trace', bindings: { role: 'test' } },
      {
        write(line) {
          lines += line;
        },
      },
    ),
  );
  return lines;
};

test('what looks like a secret is taken out of text', () => {
  for (const [text, canary] of SECRETS) {
    assert.ok(!hideInText(text).includes(canary), hideInText(text));
    assert.match(hideInText(text), /\[hidden\]/);
  }
  assert.equal(
    hideInText('connect postgres://copilot:canary@host:5432/db'),
    'connect postgres://copilot:[hidden]@host:5432/db',
  );
});

test('what does not is left alone', () => {
  for (const text of [
    'task-queue-of-the-worker has no poller',
    'disk-full-of-something at /var/lib',
    'http://127.0.0.1:4600/api/copilot/chat answered 503',
    'postgres://localhost:5432/db is not reachable',
    'turn 0f9d7d5e-6f0e-4c54-9d4e-6b5f3a1c2d3e ended',
    'the bearer',
    'a@b.example',
  ]) {
    assert.equal(hideInText(text), text);
  }
});

test('a secret is in no line: as message, field, nested field, error, or its cause', () => {
  for (const [text, canary] of SECRETS) {
    const lines = linesOf((logger) => {
      const cause = new Error(text);
      logger.info(text);
      logger.info({ note: text, deep: { er: { and: [text] } } }, 'nested');
      logger.warn({ err: new Error('outer', { cause }) }, 'failed');
      logger.error({ err: text }, 'no error object');
      logger.error(cause);
      logger.child({ note: text }).info('child');
    });
    assert.ok(!lines.includes(canary), lines);
    for (const line of lines.trim().split('\n')) JSON.parse(line);
    assert.equal(lines.trim().split('\n').length, 6);
  }
});

test('fields that hold secrets are never written, whatever the secrets look like', () => {
  const lines = linesOf((logger) => {
    for (const field of ['authorization', 'apikey', 'apiKey', 'jwtSecret', 'password', 'headers']) {
      logger.info({ [field]: 'canary' });
      logger.info({ config: { [field]: 'canary', openai: { [field]: 'canary' } } });
    }
  });
  assert.ok(!lines.includes('canary'), lines);
});

test('of an error only its name, code, message, stack and cause are written', () => {
  const error = Object.assign(new Error('failed'), {
    code: '23505',
    config: { headers: 'canary' },
    detail: 'Key (email)=(canary) already exists.',
    parameters: ['canary'],
  });
  const [line] = linesOf((logger) => logger.warn({ err: error }, 'refused')).split('\n');
  const { err } = JSON.parse(line!) as { err: Record<string, unknown> };
  assert.deepEqual(Object.keys(err).sort(), ['code', 'message', 'stack', 'type']);
  assert.ok(!line!.includes('canary'));
});

test('whatever is logged, a line stays JSON', () => {
  const parts = fc.constantFrom(
    'postgres://',
    ':',
    '@',
    '"',
    '\\',
    '\n',
    'sk-12345678',
    'Bearer ',
    JWT,
    '}',
    'x',
  );
  const text = fc.array(fc.oneof(parts, fc.string())).map((all) => all.join(''));
  fc.assert(
    fc.property(text, text, (one, two) => {
      const lines = linesOf((logger) => logger.info({ one, two: [two, { one }] }, two));
      assert.equal(lines.indexOf('\n'), lines.length - 1);
      assert.equal(typeof (JSON.parse(lines) as { time: unknown }).time, 'string');
    }),
  );
});

test('long hostile text costs no time', () => {
  const startedAt = cpuMs();
  for (const part of ['eyJ', 'eyJ0.', 'sk-', 'Bearer ', 'postgres://:', '://a:b', 'bearer\n']) {
    hideInText(part.repeat(Math.ceil(100_000 / part.length)));
  }
  assert.ok(cpuMs() - startedAt < 2_000);
});
