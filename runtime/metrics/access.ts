/** Who may read a metrics page without a token of the API: a program on this machine, and the holder of the metrics token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Headers that proxies add. A request with one of them came from elsewhere, whatever address the proxy has. */
const FROM_PROXY =
  /^(?:forwarded|via|true-client-ip|fly-client-ip|fastly-client-ip|cf-.*|x-(?:forwarded|envoy|real|client|cluster-client|original|azure|amzn)-?.*)$/;

/**
 * Whether a request was made on this machine: both ends of the connection are loopback addresses, the host that it names is
 * one too (a page of another site can make a browser connect to loopback, under its own host name), and no proxy says that
 * it only hands the request on.
 */
export function isLocal({ socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>): boolean {
  return (
    isLoopback(socket.remoteAddress) &&
    isLoopback(socket.localAddress) &&
    isLoopbackHost(headers.host) &&
    !Object.keys(headers).some((name) => FROM_PROXY.test(name))
  );
}

/** Whether the request's bearer token is this one. Takes the same time for every token. */
export function bearsToken(
  { headers }: Pick<IncomingMessage, 'headers'>,
  token: string | undefined,
): boolean {
  const given = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
  if (token === undefined || given === undefined) return false;
  return timingSafeEqual(hashOf(given), hashOf(token));
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false;
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '');
  const version = isIP(plain);
  return version !== 0 && LOOPBACK.check(plain, version === 4 ? 'ipv4' : 'ipv6');
}

function isLoopbackHost(host: string | undefined): boolean {
  const name = /^(?:\[(?<v6>[^\]]+)\]|(?<name>[^:]+))(?::\d+)?$/.exec(host ?? '')?.groups;
  const plain = name?.v6 ?? name?.name;
  return plain !== undefined && (plain.toLowerCase() === 'localhost' || isLoopback(plain));
}
