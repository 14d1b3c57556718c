/** Sessions: conversations about one workflow. */
import { z } from 'zod';
import { cursor, idOrNothing, requiredOr, time, uuid, wholeNumber } from './values.ts';

export const NO_WORKFLOW = 'No workflow exists with the given ID';
export const NO_SESSION = 'No copilot session exists with the given ID';
export const NO_SUCH_SESSION = 'before must be the id of a session of this workflow';

/** The title of a session: the first characters of its first message. */
export const MAX_TITLE_CHARS = 80;

const workflowId = z
  .string({ error: requiredOr('workflow_id is required', 'workflow_id must be a string') })
  .min(1, { error: 'workflow_id is required', abort: true })
  .pipe(idOrNothing(NO_WORKFLOW))
  .meta({ format: 'uuid', description: 'The workflow that the session is about.' });

export const newSessionRequest = z
  .object({ workflow_id: workflowId })
  .meta({ id: 'NewSession', example: { workflow_id: '7d3f1c52-59fb-4f6e-9e43-0c3f3a8a7e10' } });

export const newestSessionQuery = z.object({ workflow_id: workflowId });

const newSessionFields = { id: uuid, workflow_id: uuid, created_at: time };
const sessionFields = {
  ...newSessionFields,
  updated_at: time,
  active_turn_id: uuid.nullable().meta({ description: 'The turn that runs now.' }),
};

export const newSessionAnswer = z.object(newSessionFields).meta({ id: 'SessionCreated' });

export const session = z.object(sessionFields).meta({ id: 'Session' });

export const newestSessionAnswer = z
  .object({ session: session.nullable() })
  .meta({ id: 'NewestSession', description: 'The newest session of the workflow, or null.' });

export const sessionPageQuery = z.object({
  limit: wholeNumber({
    name: 'limit',
    min: 1,
    max: 200,
    digits: 10,
    fallback: 50,
    description: 'How many sessions.',
  }).default(50),
  before: cursor(NO_SUCH_SESSION, 'The sessions that are older than this one.').optional(),
});

export const sessionSummary = z
  .object({
    ...sessionFields,
    title: z
      .string()
      .nullable()
      .meta({
        description: `The first ${MAX_TITLE_CHARS} characters of the first message; null before it.`,
        example: 'Add a step that answers in French',
      }),
    messages: z.int().meta({ description: 'How many messages the session has.' }),
  })
  .meta({ id: 'SessionSummary' });

export const sessionListAnswer = z
  .object({ sessions: z.array(sessionSummary) })
  .meta({ id: 'SessionList', description: 'Sessions of a workflow, newest first.' });

export type NewSession = z.input<typeof newSessionAnswer>;
export type SessionBody = z.input<typeof session>;
export type SessionSummaryBody = z.input<typeof sessionSummary>;
