/** The messages of a session, and the requests that apply or revert the change of a message. */
import { z } from 'zod';
import { usageSchema, workflowDiffSchema } from '../events.ts';
import { canvas, workflowGraph } from './graphs.ts';
import { cursor, idOrNothing, json, time, uuid, wholeNumber } from './values.ts';
import { isUuid } from '../../domain/text/uuid.ts';

export const NO_SUCH_MESSAGE = 'No message exists with the given ID in this session';
export const NO_ASSISTANT_MESSAGE = 'No assistant message exists with the given ID in this session';
export const NO_SUCH_CURSOR = 'before must be the id of a message of this session';

/** The messages of a page without a limit in the request, and the highest limit. */
export const MAX_PAGE_MESSAGES = 200;

const pageFields = z.object({
  limit: wholeNumber({
    name: 'limit',
    min: 1,
    max: MAX_PAGE_MESSAGES,
    digits: 4,
    description: `How many messages; ${MAX_PAGE_MESSAGES} unless said otherwise.`,
  }).optional(),
  before: cursor(NO_SUCH_CURSOR, 'The messages that are older than this one.').optional(),
  message: z
    .unknown()
    .refine(isUuid, { error: NO_SUCH_MESSAGE, params: { status: 404 } })
    .transform(String)
    .meta({
      type: 'string',
      format: 'uuid',
      description: 'This one message, whole. `limit` and `before` then mean nothing.',
    })
    .optional(),
});

/** With `message`, the other two parameters have no meaning and are not read. */
export const messagePageQuery = z.preprocess(
  (query) =>
    z.looseObject({ message: z.unknown() }).safeParse(query).data?.message === undefined
      ? query
      : { message: (query as { message: unknown }).message },
  pageFields,
);

const toolCall = z
  .object({
    call_id: z.string(),
    name: z.string(),
    arguments: json.meta({
      description: 'The object that the model wrote, or its text where that is no object or nests too deep.',
    }),
    result: z.string().nullable(),
    is_error: z.boolean(),
    step: z.int(),
  })
  .meta({ id: 'ToolCall', description: 'A tool call of a turn, with its result.' });

const omitted = (what: string) => z.literal(true).optional().meta({ description: what });

export const message = z
  .object({
    id: uuid,
    session_id: uuid,
    role: z.enum(['user', 'assistant', 'system']),
    content: z.string(),
    workflow_diff: workflowDiffSchema.nullable(),
    pre_snapshot: json.meta({ description: 'The canvas that a snapshot kept, or null.' }),
    change: z.enum(['proposed', 'applied', 'reverted']).nullable().meta({
      description: 'What a person did with `workflow_diff`; null when the message has no diff.',
    }),
    created_at: time,
    turn_id: uuid.nullable(),
    status: z.enum(['complete', 'cancelled', 'failed']),
    model: z.string().nullable(),
    tool_calls: z.array(toolCall),
    usage: usageSchema.nullable(),
    content_truncated: omitted('The content is only the beginning.'),
    workflow_diff_omitted: omitted('There may be a diff; it did not fit.'),
    tool_calls_omitted: omitted('There may be tool calls; they did not fit.'),
    tool_calls_deleted: omitted('The turn is old; its tool calls were deleted.'),
    pre_snapshot_omitted: omitted('There is a snapshot; it did not fit.'),
  })
  .meta({ id: 'Message' });

export const messageListAnswer = z
  .object({ messages: z.array(message) })
  .meta({ id: 'MessageList', description: 'A page of messages, oldest first.' });

export const messageParams = z.object({
  id: uuid.meta({ description: 'The session.' }),
  mid: idOrNothing(NO_ASSISTANT_MESSAGE).meta({ description: 'The message.' }),
});

export const snapshotRequest = z.object({ pre_snapshot: canvas }).meta({
  id: 'Snapshot',
  example: { pre_snapshot: { nodes: [{ id: 'Start', type: 'starter', name: 'Start' }], edges: [] } },
});

export const appliedAnswer = z
  .object({ ok: z.literal(true), workflow: workflowGraph })
  .meta({ id: 'WorkflowChanged', description: 'The workflow as it is now.' });
