/** Who gets to a route, and what its handler is given for it. Decided before anything else of a request is read. */
import type { ApiDeps } from '../deps.ts';
import { type Principal, requireService } from './principal.ts';

/** What of a request decides who gets in. */
export interface Visitor {
  principal: Principal;
  /** As they stand in the path: nothing is checked yet. */
  params: Readonly<Record<string, string | undefined>>;
}

/** `Given` joins what the handler is called with. */
export interface Access<Given extends object> {
  /** Served without a token. */
  isOpen: boolean;
  /** Ends the request with HttpError 403 or 404 where it may not go on. */
  admit(
    visitor: { principal: Principal | undefined; params: Visitor['params'] },
    deps: ApiDeps,
  ): Given | Promise<Given>;
}

/** Everyone, without a token. */
export const open: Access<object> = { isOpen: true, admit: () => ({}) };

/** Everyone with a token whom `admit` lets in. */
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

/** Everyone with a token. */
export const anyone = withToken(({ principal }) => ({ principal }));

/** The operator alone; `message` says why to everyone else. */
export function serviceOnly(message: string) {
  return withToken(({ principal }) => {
    requireService(principal, message);
    return { principal };
  });
}
