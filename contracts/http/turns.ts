/** A turn: its state, its stream, its end, and the questions that it asks. */
import { z } from 'zod';
import { usageSchema, workflowDiffSchema } from '../events.ts';
import { STOP_REASONS } from '../names.ts';
import { idOrNothing, json, jsonObject, requiredOr, time, uuid } from './values.ts';

export const NO_TURN = 'No turn exists with the given ID';
const NO_CALL = 'No confirmation was asked for a call with the given ID';
const MAX_REASON_CHARACTERS = 2_000;

const turnId = idOrNothing(NO_TURN).toLowerCase().meta({ description: 'The turn.', format: 'uuid' });

export const turnParams = z.object({ id: uuid.meta({ description: 'The session.' }), turn_id: turnId });

export const callParams = turnParams.extend({
  call_id: z
    .string()
    .refine((id) => /^[a-zA-Z0-9_-]{1,64}$/.test(id), { error: NO_CALL, params: { status: 404 } })
    .meta({ description: 'The call that waits for an answer.', example: 'call_1' }),
});

/** The open question of a turn, with the fields of confirmation_required. */
export const confirmationView = z
  .object({
    call_id: z.string(),
    name: z.string(),
    arguments: jsonObject,
    summary: z.string(),
    before: json,
    after: json,
    expires_at: time,
  })
  .meta({ id: 'Confirmation', description: 'A question to the user that nobody has answered.' });

export const turnAnswer = z
  .object({
    id: uuid,
    status: z.enum(['starting', 'running', 'complete', 'cancelled', 'failed']),
    step: z.int(),
    model: z.string(),
    started_at: time.nullable(),
    finished_at: time.nullable(),
    pending_confirmation: confirmationView.nullable(),
    workflow_diff: workflowDiffSchema.nullable(),
    usage: usageSchema,
    stop_reason: z.enum(STOP_REASONS).nullable(),
    temporal_url: z.url().nullable().meta({
      description: 'The turn in the Temporal UI; null when the address of the UI is not known.',
    }),
  })
  .meta({ id: 'Turn' });

export type ConfirmationBody = z.input<typeof confirmationView>;
export type TurnBody = z.input<typeof turnAnswer>;

const WHOLE = /^\d+$/;
const toSeq = (digits: string): number => Math.min(Number(digits), Number.MAX_SAFE_INTEGER);

/** A cursor past the end of the log is allowed. A cursor grants no right, so it needs no signature. */
export const eventsQuery = z.object({
  after: z
    .string({ error: 'after must be a whole number from 0 on' })
    .regex(WHOLE, { error: 'after must be a whole number from 0 on' })
    .transform(toSeq)
    .meta({
      description: 'The seq after which the stream begins. `Last-Event-ID` wins over it.',
      example: '12',
    })
    .optional(),
});

/** A value that is no whole number means 0: browsers send back any id that they have received. */
export const lastEventId = z
  .string()
  .transform((text) => (text === '' ? undefined : WHOLE.test(text) ? toSeq(text) : 0))
  .meta({ description: 'The seq after which a reader resumes.', example: '12' });

export const decisionRequest = z
  .object({
    approved: z.boolean({ error: requiredOr('approved is required', 'approved must be true or false') }),
    reason: z
      .string({ error: 'reason must be a string' })
      .max(MAX_REASON_CHARACTERS, {
        error: `reason must be at most ${MAX_REASON_CHARACTERS} characters long`,
      })
      .nullish()
      .meta({ description: 'Why; the model is told.' }),
  })
  .meta({ id: 'Decision', example: { approved: false, reason: 'Not in production' } });

export const decisionAnswer = z
  .object({ ok: z.literal(true), decision: z.enum(['approved', 'rejected']) })
  .meta({ id: 'Decided', example: { ok: true, decision: 'rejected' } });
