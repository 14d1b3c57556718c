/**
 * Finds the principal of a request by its signed token. The algorithm is pinned and every claim that is used is checked
 * (RFC 8725). The token comes from a header, never from the query string, because query strings end up in logs.
 */
import type { KeyObject } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { decodeProtectedHeader, type JWTPayload, jwtVerify } from 'jose';
import type { Middleware } from 'koa';
import { codeOf } from '../../contracts/thrown-codes.ts';
import type { Logger } from '../../runtime/logger.ts';
import { HttpError } from '../http/http-error.ts';
import type { Principal } from '../http/principal.ts';

export const CLOCK_LEEWAY_SECONDS = 30;
/** Postgres can't index a longer one. OpenID Connect allows 255. */
export const MAX_SUBJECT_CHARS = 500;

/** The keys that tokens may be signed with. Created once, because importing a secret takes longer than checking a token. */
export interface TokenKeys {
  /** The key of JWT_SECRET. */
  main: KeyObject;
  /** The keys of JWT_SECRETS by their `kid`. */
  named: ReadonlyMap<string, KeyObject>;
}

export interface AuthOptions {
  keys: TokenKeys;
  allowedRoles: readonly string[];
  logger: Logger;
}

/**
 * Puts the principal into `ctx.state.principal`, or ends the request with 401 or 403. A path of `opens` needs no token for
 * the requests for which its function returns true.
 */
export function createAuthMiddleware(
  options: AuthOptions & { opens: ReadonlyMap<string, (request: IncomingMessage) => boolean> },
): Middleware {
  return async function auth(ctx, next) {
    // The router takes one slash at the end of a path for nothing.
    if (options.opens.get(ctx.path.replace(/\/$/, ''))?.(ctx.req) !== true) {
      ctx.state.principal = await authenticate(
        { authorization: ctx.headers.authorization, apikey: ctx.headers.apikey },
        options,
      );
    }
    await next();
  };
}

/** Verifies the token of a request. Throws HttpError 401 (no, bad or expired token) or 403 (role not allowed). */
export async function authenticate(
  headers: { authorization?: string | undefined; apikey?: string | string[] | undefined },
  options: AuthOptions,
): Promise<Principal> {
  const payload = await verify(findToken(headers), options.keys);
  const { role, sub, exp } = payload;
  // JSON can hold a number that is read as infinite. Such a token would never expire.
  if (exp !== undefined && !Number.isFinite(exp * 1_000)) throw unauthorized('The token is not valid');
  if (typeof role !== 'string') throw forbidden('The token has no role');
  if ((role !== 'service_role' && role !== 'authenticated') || !options.allowedRoles.includes(role)) {
    throw forbidden('The role of this token may not use the copilot');
  }
  const subject = typeof sub === 'string' && sub !== '' ? toStorable(sub) : null;
  if (subject !== null && subject.length > MAX_SUBJECT_CHARS)
    throw unauthorized(`The token's subject (sub) is longer than ${MAX_SUBJECT_CHARS} characters`);
  if (role === 'authenticated') {
    if (subject === null) throw unauthorized('The token names no user (sub)');
    if (exp === undefined) throw unauthorized('The token has no expiry (exp)');
  } else if (exp === undefined) {
    options.logger.debug('a service token without exp was accepted');
  }
  return { role, sub: subject, expiresAt: exp === undefined ? null : exp * 1_000 };
}

function findToken(headers: {
  authorization?: string | undefined;
  apikey?: string | string[] | undefined;
}): string {
  if (headers.authorization !== undefined) {
    const token = /^Bearer +(\S+) *$/i.exec(headers.authorization)?.[1];
    if (token === undefined) throw unauthorized('The Authorization header must be `Bearer <token>`');
    return token;
  }
  if (typeof headers.apikey === 'string' && headers.apikey !== '') return headers.apikey;
  throw new HttpError(
    401,
    'A token is required: send `Authorization: Bearer <token>`',
    {},
    { 'WWW-Authenticate': 'Bearer realm="copilot"' },
  );
}

async function verify(token: string, keys: TokenKeys): Promise<JWTPayload> {
  let failure: unknown;
  for (const key of keysFor(token, keys)) {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: ['HS256'],
        clockTolerance: CLOCK_LEEWAY_SECONDS,
      });
      return payload;
    } catch (error: unknown) {
      failure = error;
      if (codeOf(error) !== 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED') break;
    }
  }
  // jose has a code for each failed check. Only expiry is told: the others would help an attacker who forges tokens.
  if (codeOf(failure) === 'ERR_JWT_EXPIRED') throw unauthorized('The token has expired');
  throw unauthorized('The token is not valid');
}

/**
 * The keys that may have signed a token: the one that its `kid` names, or all when it has none. Without JWT_SECRETS there
 * is one key, and a `kid` is not read: some issuers always write one.
 */
function keysFor(token: string, { main, named }: TokenKeys): KeyObject[] {
  if (named.size === 0) return [main];
  const kid = kidOf(token);
  if (kid === undefined) return [main, ...named.values()];
  const key = typeof kid === 'string' ? named.get(kid) : undefined;
  return key ? [key] : [];
}

/** The `kid` of a token's header. Null, which names no key, when the header can't be read. */
function kidOf(token: string): unknown {
  try {
    return decodeProtectedHeader(token).kid;
  } catch {
    return null;
  }
}

function unauthorized(message: string): HttpError {
  return new HttpError(
    401,
    message,
    {},
    { 'WWW-Authenticate': 'Bearer realm="copilot", error="invalid_token"' },
  );
}

function forbidden(message: string): HttpError {
  return new HttpError(
    403,
    message,
    {},
    { 'WWW-Authenticate': 'Bearer realm="copilot", error="insufficient_scope"' },
  );
}

function toStorable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\uFFFD');
}
