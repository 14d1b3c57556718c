/** Who makes a request, as the verified token says. The auth middleware puts it into `ctx.state.principal`. */
export interface Principal {
  /** service_role sees every session; authenticated sees its own only, by `sub`. */
  role: 'service_role' | 'authenticated';
  /** Null for a service token without a subject. */
  sub: string | null;
}
