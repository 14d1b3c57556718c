/** Which requests a metrics page takes for those of a program on the same machine. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearsToken, isLocal } from '../../../runtime/metrics/access.ts';

type Request = Parameters<typeof isLocal>[0];

function request(
  remoteAddress: string | undefined,
  headers: Record<string, string>,
  localAddress = remoteAddress,
): Request {
  return { socket: { remoteAddress, localAddress } as Request['socket'], headers };
}

test('loopback addresses are local, under every name of this machine', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1', '::FFFF:127.0.0.1'])
    for (const host of ['localhost:4600', 'LOCALHOST', '127.0.0.1:4600', '127.0.0.1', '[::1]:4600'])
      assert.ok(isLocal(request(address, { host })), `${address} ${host}`);
});

test('other addresses are not local', () => {
  const host = 'localhost';
  for (const address of ['10.0.0.1', '172.17.0.1', '::ffff:10.0.0.1', 'fe80::1', '128.0.0.1', '', undefined])
    assert.equal(isLocal(request(address, { host })), false, String(address));
  assert.equal(isLocal(request('127.0.0.1', { host }, '10.0.0.1')), false);
});

test('a request that a proxy on this machine hands on is not local', () => {
  for (const header of [
    'forwarded',
    'via',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-proto',
    'x-real-ip',
    'x-client-ip',
    'x-envoy-external-address',
    'x-original-forwarded-for',
    'true-client-ip',
    'cf-connecting-ip',
  ])
    for (const value of ['127.0.0.1', '', 'for=127.0.0.1'])
      assert.equal(isLocal(request('127.0.0.1', { host: 'localhost', [header]: value })), false, header);
});

test('a page of another site, whose name leads to loopback, is not local', () => {
  for (const host of [
    'evil.example',
    'evil.example:4600',
    '127.0.0.1.evil.example',
    'localhost.evil',
    '',
    ':80',
  ])
    assert.equal(isLocal(request('127.0.0.1', { host })), false, host);
  assert.equal(isLocal(request('127.0.0.1', {})), false);
});

test('the metrics token opens the page, and nothing else does', () => {
  const bears = (authorization: string | undefined, token: string | undefined): boolean =>
    bearsToken(request('10.0.0.1', authorization === undefined ? {} : { authorization }), token);
  assert.ok(bears('Bearer scrape', 'scrape'));
  assert.ok(bears('bearer  scrape ', 'scrape'));
  for (const [authorization, token] of [
    ['Bearer scrap', 'scrape'],
    ['Bearer scrapes', 'scrape'],
    ['Bearer ', 'scrape'],
    ['scrape', 'scrape'],
    ['Basic scrape', 'scrape'],
    [undefined, 'scrape'],
    ['Bearer undefined', undefined],
    [undefined, undefined],
  ] as const)
    assert.equal(bears(authorization, token), false, authorization);
});
