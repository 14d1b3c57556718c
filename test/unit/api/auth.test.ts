import assert from 'node:assert/strict';
import { createHmac, createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { test } from 'node:test';
import { authenticate, MAX_SUBJECT_CHARS } from '../../../api/middleware/auth.ts';
import { HttpError } from '../../../api/http/http-error.ts';
import { createLogger } from '../../../runtime/logger.ts';

const SECRET = 'a secret for tests only, 32 bytes';
const options = {
  keys: { main: createSecretKey(Buffer.from(SECRET)), named: new Map<string, KeyObject>() },
  allowedRoles: ['service_role', 'authenticated'],
  logger: createLogger({ level: 'silent' }),
};
const serviceOnly = { ...options, allowedRoles: ['service_role'] };
const now = Math.floor(Date.now() / 1000);
const later = now + 3_600;

const encode = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** A token made by hand, so that it may be wrong in any way. */
function token(payload: unknown, options: { header?: object; key?: string; hash?: string } = {}): string {
  const { header = { alg: 'HS256', typ: 'JWT' }, key = SECRET, hash = 'sha256' } = options;
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${createHmac(hash, key).update(input).digest('base64url')}`;
}

const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
function rsaToken(): string {
  const input = `${encode({ alg: 'RS256' })}.${encode({ role: 'service_role', exp: later })}`;
  return `${input}.${sign('sha256', Buffer.from(input), privateKey).toString('base64url')}`;
}

async function outcome(
  authorization: string | undefined,
  apikey?: string,
  allowed = options,
): Promise<unknown> {
  try {
    return await authenticate({ authorization, apikey }, allowed);
  } catch (error: unknown) {
    assert.ok(error instanceof HttpError);
    assert.ok(error.headers['WWW-Authenticate']?.startsWith('Bearer '));
    return error.status;
  }
}

const longest = 's'.repeat(MAX_SUBJECT_CHARS);
const good = { role: 'service_role', exp: later };
const service = { role: 'service_role', sub: null, expiresAt: later * 1_000 };
const user = { role: 'authenticated', sub: 'u1', expiresAt: later * 1_000 };
const [goodHeader, goodPayload, goodSignature] = token(good).split('.') as [string, string, string];

const CASES: [string, string, unknown][] = [
  ['a service token', token(good), service],
  ['a service token with a subject', token({ ...good, sub: 's' }), { ...service, sub: 's' }],
  ['a service token without exp', token({ role: 'service_role' }), { ...service, expiresAt: null }],
  ['a user token', token({ role: 'authenticated', sub: 'u1', exp: later }), user],
  ['exp within the leeway', token({ ...good, exp: now - 10 }), { ...service, expiresAt: (now - 10) * 1_000 }],
  ['an exp that JSON reads as infinite', token('{"role":"authenticated","sub":"u1","exp":1e400}'), 401],
  ['an exp beyond what milliseconds can say', token({ ...good, exp: 1e307 }), 401],
  ['nbf within the leeway', token({ ...good, nbf: now + 10 }), service],
  ['nbf in the past', token({ ...good, nbf: now - 10 }), service],
  ['an unknown issuer and audience', token({ ...good, iss: 'x', aud: 'y' }), service],
  ['an expired token', token({ ...good, exp: now - 60 }), 401],
  ['an exp of 0', token({ ...good, exp: 0 }), 401],
  ['a negative exp', token({ ...good, exp: -1 }), 401],
  ['an exp that is a string', token({ ...good, exp: String(later) }), 401],
  ['an exp that is null', token({ ...good, exp: null }), 401],
  ['nbf in the future', token({ ...good, nbf: now + 60 }), 401],
  ['an nbf that is a string', token({ ...good, nbf: '0' }), 401],
  ['a user token without exp', token({ role: 'authenticated', sub: 'u1' }), 401],
  ['a user token without sub', token({ role: 'authenticated', exp: later }), 401],
  ['a user token with an empty sub', token({ role: 'authenticated', sub: '', exp: later }), 401],
  ['a long subject', token({ ...good, sub: longest }), { ...service, sub: longest }],
  ['a subject that is too long', token({ ...good, sub: `${longest}x` }), 401],
  ['no role', token({ exp: later }), 403],
  ['a role that is a list', token({ ...good, role: ['service_role'] }), 403],
  ['a role that is an object', token({ ...good, role: {} }), 403],
  ['a role that is null', token({ ...good, role: null }), 403],
  ['anon', token({ ...good, role: 'anon' }), 403],
  ['anon with aud authenticated', token({ ...good, role: 'anon', aud: 'authenticated' }), 403],
  ['a role in other case', token({ ...good, role: 'Service_Role' }), 403],
  ['a role with a blank', token({ ...good, role: 'service_role ' }), 403],
  ['another secret', token(good, { key: `${SECRET}!` }), 401],
  ['an empty secret', token(good, { key: '' }), 401],
  ['HS512 with the same secret', token(good, { header: { alg: 'HS512' }, hash: 'sha512' }), 401],
  ['HS384 with the same secret', token(good, { header: { alg: 'HS384' }, hash: 'sha384' }), 401],
  ['HS256 content that says HS512', token(good, { header: { alg: 'HS512' } }), 401],
  ['alg none without a signature', `${encode({ alg: 'none' })}.${encode(good)}.`, 401],
  ['alg none in other case', `${encode({ alg: 'nOnE' })}.${encode(good)}.`, 401],
  ['no alg', token(good, { header: {} }), 401],
  ['RS256', rsaToken(), 401],
  ['a critical header we do not know', token(good, { header: { alg: 'HS256', crit: ['x'], x: 1 } }), 401],
  ['a payload that is a string', token('"service_role"'), 401],
  ['a payload that is a list', token(['service_role']), 401],
  ['a payload that is null', token('null'), 401],
  ['a payload that is no JSON', token('role=service_role'), 401],
  ['a cut signature', `${goodHeader}.${goodPayload}.${goodSignature.slice(0, -4)}`, 401],
  ['no signature', `${goodHeader}.${goodPayload}.`, 401],
  ['two parts', `${goodHeader}.${goodPayload}`, 401],
  ['four parts', `${token(good)}.x`, 401],
  [
    'another payload under the signature',
    `${goodHeader}.${encode({ role: 'service_role' })}.${goodSignature}`,
    401,
  ],
  ['no token at all', 'x', 401],
];

for (const [name, jwt, expected] of CASES) {
  test(`auth: ${name} is ${typeof expected === 'number' ? `refused with ${expected}` : 'accepted'}`, async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: now * 1_000 });
    assert.deepEqual(await outcome(`Bearer ${jwt}`), expected);
    assert.deepEqual(await outcome(undefined, jwt), expected, 'by apikey');
  });
}

test('auth: a user token is refused while only service_role is allowed', async () => {
  const jwt = token({ role: 'authenticated', sub: 'u1', exp: later });
  assert.equal(await outcome(`Bearer ${jwt}`, undefined, serviceOnly), 403);
});

test('auth: the scheme is Bearer in any case, and nothing else', async () => {
  const jwt = token(good);
  assert.deepEqual(await outcome(`bearer  ${jwt}`), service);
  for (const header of [jwt, `Basic ${jwt}`, 'Bearer', `Bearer ${jwt} ${jwt}`, `Bearer${jwt}`, ''])
    assert.equal(await outcome(header), 401, header.slice(0, 10));
});

test('auth: apikey is read only when Authorization is absent', async () => {
  assert.equal(await outcome('Bearer x', token(good)), 401);
  assert.equal(await outcome(undefined, ''), 401);
  assert.equal(await outcome(undefined, undefined), 401);
});

const [FIRST, SECOND] = ['the first of the further keys, 32+', 'the second of the further keys, 32'];
const rotating = {
  ...options,
  keys: {
    ...options.keys,
    named: new Map([
      ['first', createSecretKey(Buffer.from(FIRST))],
      ['second', createSecretKey(Buffer.from(SECOND))],
    ]),
  },
};
const withKid = (kid: unknown, key: string, payload: object = good): string =>
  token(payload, { header: { alg: 'HS256', kid }, key });

for (const [name, jwt, expected] of [
  ['a kid with its key', withKid('first', FIRST), service],
  ['another kid with its key', withKid('second', SECOND), service],
  ['a kid with the key of another kid', withKid('first', SECOND), 401],
  ['a kid with the main key', withKid('first', SECRET), 401],
  ['an unknown kid with the main key', withKid('third', SECRET), 401],
  ['an unknown kid with a further key', withKid('third', FIRST), 401],
  ['a kid of the prototype', withKid('constructor', FIRST), 401],
  ['an empty kid', withKid('', SECRET), 401],
  ['a kid that is a number', withKid(1, FIRST), 401],
  ['a kid that is null', withKid(null, SECRET), 401],
  ['no kid with the main key', token(good), service],
  ['no kid with the first key', token(good, { key: FIRST }), service],
  ['no kid with the second key', token(good, { key: SECOND }), service],
  ['no kid with another key', token(good, { key: `${SECOND}!` }), 401],
  ['no kid, expired, with the second key', token({ ...good, exp: now - 60 }, { key: SECOND }), 401],
  ['no kid, anon, with the second key', token({ ...good, role: 'anon' }, { key: SECOND }), 403],
  ['alg none with a kid', `${encode({ alg: 'none', kid: 'first' })}.${encode(good)}.`, 401],
  ['a header that is no JSON', `${encode('x')}.${encode(good)}.x`, 401],
] as const) {
  test(`auth with several keys: ${name} is ${typeof expected === 'number' ? `refused with ${expected}` : 'accepted'}`, async () => {
    assert.deepEqual(await outcome(`Bearer ${jwt}`, undefined, rotating), expected);
  });
}

test('auth: the last key that is tried tells of an expired token', async () => {
  const jwt = token({ ...good, exp: now - 60 }, { key: SECOND });
  await assert.rejects(authenticate({ authorization: `Bearer ${jwt}` }, rotating), /has expired/);
});

test('auth: with one key a kid is not read', async () => {
  assert.deepEqual(await outcome(`Bearer ${withKid('whatever', SECRET)}`), service);
});
