/** Which sessions a request may see. */
import { NO_SESSION } from '../../contracts/http/sessions.ts';
import { findSession, type Session, type Viewer } from '../../db/sessions/sessions.ts';
import { isUuid } from '../../domain/text/uuid.ts';
import { type Visitor, withToken } from '../http/access.ts';
import { HttpError } from '../http/http-error.ts';
import type { Principal } from '../http/principal.ts';
import type { ApiDeps } from '../deps.ts';

/** The owner whose sessions a principal sees: null for service_role, which sees all. */
export function toViewer(principal: Principal): Viewer {
  return { ownerSub: principal.role === 'service_role' ? null : (principal.sub ?? '') };
}

/** The session of a path. An unknown, a foreign and a malformed id get the same 404, byte for byte. */
async function requireSession({ principal, params: { id } }: Visitor, { db }: ApiDeps): Promise<Session> {
  const session = isUuid(id) ? await findSession(db, id, toViewer(principal)) : null;
  if (!session) throw new HttpError(404, NO_SESSION);
  return session;
}

/** Access for everyone who may see the session of the path. */
export const ownSession = withToken(async (visitor, deps) => ({
  principal: visitor.principal,
  session: await requireSession(visitor, deps),
}));
