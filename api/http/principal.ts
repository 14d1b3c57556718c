import type { Actor } from '../../contracts/audit.ts';
import { HttpError } from './http-error.ts';

/** Who makes a request, by the verified token. The auth middleware puts it into `ctx.state.principal`. */
export interface Principal {
  /** service_role sees every session. authenticated sees only its own sessions, by `sub`. */
  role: 'service_role' | 'authenticated';
  /** Null for a service token without a subject. */
  sub: string | null;
  /** The token's `exp` in milliseconds since 1970; null when the token does not expire. */
  expiresAt: number | null;
}

/** The principal as the audit log names it. */
export function actorOf({ role, sub }: Principal, requestId: string): Actor {
  return { actor: sub ?? role, role, requestId };
}

/** Throws HttpError 403 unless the principal is the operator. docs/access.md lists the requests that only it may make. */
export function requireService(principal: Principal, message: string): void {
  if (principal.role !== 'service_role')
    throw new HttpError(
      403,
      message,
      {},
      { 'WWW-Authenticate': 'Bearer realm="copilot", error="insufficient_scope"' },
    );
}
