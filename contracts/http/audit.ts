/** The audit log. */
import { z } from 'zod';
import { AUDIT_ACTIONS } from '../audit.ts';
import { cursor, time, uuid, wholeNumber } from './values.ts';

export const NO_SUCH_ENTRY = 'before must be the id of an entry';

export const auditQuery = z.object({
  limit: wholeNumber({
    name: 'limit',
    min: 1,
    max: 200,
    digits: 4,
    fallback: 50,
    description: 'How many entries.',
  }).default(50),
  before: cursor(NO_SUCH_ENTRY, 'The entries that are older than this one.').optional(),
});

export const auditEntry = z
  .object({
    id: uuid,
    at: time,
    actor: z.string().meta({
      description:
        'The `sub` of the token, or its role when it has none; `retention`, with a null role, for retention.',
      example: 'ann',
    }),
    role: z.string().nullable().meta({
      description:
        'The role of the token. Null for retention, and for a change whose approval the previous release took.',
      example: 'authenticated',
    }),
    action: z.enum(AUDIT_ACTIONS),
    target: z.string().meta({
      description:
        'What was changed: the id of the workflow, message, session or asset, the model, or the call.',
      example: '7d3f1c52-59fb-4f6e-9e43-0c3f3a8a7e10',
    }),
    request_id: z.string().nullable().meta({ description: 'The X-Request-Id. Null like the role.' }),
  })
  .meta({ id: 'AuditEntry' });

export const auditAnswer = z
  .object({ entries: z.array(auditEntry) })
  .meta({ id: 'AuditLog', description: 'Who did what, newest first.' });
