import { HttpError } from './http-error.ts';

/** Who makes a request, as the verified token says. The auth middleware puts it into `ctx.state.principal`. */
export interface Principal {
  /** service_role sees every session; authenticated sees its own only, by `sub`. */
  role: 'service_role' | 'authenticated';
  /** Null for a service token without a subject. */
  sub: string | null;
  /** The token's `exp`, in milliseconds since 1970; null: the token does not expire. */
  expiresAt: number | null;
}

/** Ends a request that is the operator's alone with 403 for everyone else. docs/access.md lists them. */
export function requireService(principal: Principal, message: string): void {
  if (principal.role !== 'service_role')
    throw new HttpError(
      403,
      message,
      {},
      { 'WWW-Authenticate': 'Bearer realm="copilot", error="insufficient_scope"' },
    );
}
