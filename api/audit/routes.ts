import { auditAnswer, auditQuery, NO_SUCH_ENTRY } from '../../contracts/http/audit.ts';
import { listAudit } from '../../db/audit/audit.ts';
import { serviceOnly } from '../http/access.ts';
import { json } from '../http/answer.ts';
import { HttpError } from '../http/http-error.ts';
import { defineRoute } from '../http/route.ts';

/** The audit log, for the operator. */
const list = defineRoute({
  method: 'get',
  path: '/api/copilot/audit',
  operationId: 'listAudit',
  summary: 'Who changed what, newest first',
  description: 'Entries are never changed or deleted. `before` pages on.',
  tag: 'Audit',
  access: serviceOnly('Only service_role may read the audit log'),
  input: { query: auditQuery },
  answers: json(200, auditAnswer),
  async handle({ query: { limit, before = null }, answer }, { db }) {
    const entries = await listAudit(db, { limit, before });
    if (!entries) throw new HttpError(400, NO_SUCH_ENTRY);
    return answer({
      entries: entries.map(({ id, at, actor, role, action, target, requestId }) => ({
        id,
        at: at.toISOString(),
        actor,
        role,
        action,
        target,
        request_id: requestId,
      })),
    });
  },
});

export const auditRoutes = [list];
