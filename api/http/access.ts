/** Who may use a route, and what its handler receives for it. Decided before any other part of a request is read. */
import type { IncomingMessage } from 'node:http';
import type { Config } from '../../runtime/config.ts';
import type { ApiDeps } from '../deps.ts';
import { type Principal, requireService } from './principal.ts';

/** The parts of a request that decide about access. */
export interface Visitor {
  principal: Principal;
  /** The parameters of the path, unchecked. */
  params: Readonly<Record<string, string | undefined>>;
}

/** The access of a route. `Given` is added to what the handler receives. */
export interface Access<Given extends object> {
  /** True when the route needs no token. */
  isOpen: boolean;
  /** Whether a request needs no token, by its connection and headers. `admit` then gets no principal. */
  opensTo?: (request: Pick<IncomingMessage, 'socket' | 'headers'>, config: Config) => boolean;
  /** Throws HttpError 403 or 404 when the request may not go on. */
  admit(
    visitor: { principal: Principal | undefined; params: Visitor['params'] },
    deps: ApiDeps,
  ): Given | Promise<Given>;
}

/** Access for everyone, without a token. */
export const open: Access<object> = { isOpen: true, admit: () => ({}) };

/** Access for everyone with a token whom `admit` lets in. */
export function withToken<Given extends object>(
  admit: (visitor: Visitor, deps: ApiDeps) => Given | Promise<Given>,
): Access<Given> {
  return {
    isOpen: false,
    admit({ principal, params }, deps) {
      if (principal === undefined) throw new Error('a route with a token was served without one');
      return admit({ principal, params }, deps);
    },
  };
}

/** Access for everyone with a token. */
export const anyone = withToken(({ principal }) => ({ principal }));

/** Access for the operator only. Everyone else gets `message`. */
export function serviceOnly(message: string) {
  return withToken(({ principal }) => {
    requireService(principal, message);
    return { principal };
  });
}
