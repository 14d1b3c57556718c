/**
 * The stream events of a turn, as a reader receives them and as the event log stores them.
 * docs/protocol.md describes the wire format; `event` and `seq` are added when an event is written to a stream.
 */
import { z } from 'zod';
import { ERROR_CODES } from './errors.ts';
import { position } from './http/graphs.ts';
import { dollars, json, jsonObject } from './http/values.ts';
import { STOP_REASONS } from './names.ts';

export const usageSchema = z
  .object({
    calls: z.int(),
    input_tokens: z.int(),
    cached_tokens: z.int(),
    output_tokens: z.int(),
    reasoning_tokens: z.int(),
    /** Null for a model without a price. */
    cost_usd: dollars.nullable(),
  })
  .meta({
    id: 'Usage',
    description: 'What the model calls of a turn took.',
    example: {
      calls: 2,
      input_tokens: 5_120,
      cached_tokens: 4_096,
      output_tokens: 310,
      reasoning_tokens: 0,
      cost_usd: '0.0123',
    },
  });
export type Usage = z.infer<typeof usageSchema>;

const edge = z
  .object({ source: z.string(), target: z.string(), sourceHandle: z.string().optional() })
  .meta({ id: 'Edge', description: 'An edge of a diff, by the ids or names of its blocks.' });
const config = jsonObject;

export const workflowDiffSchema = z
  .object({
    add_blocks: z
      .array(z.object({ id: z.string(), type: z.string(), name: z.string(), position, config }))
      .optional(),
    remove_blocks: z.array(z.string()).optional(),
    update_blocks: z
      .array(
        z.object({
          id: z.string(),
          config: config.meta({
            description: 'The changed top-level keys, each with its whole new value; null removes a key.',
          }),
          name: z.string().optional(),
          position: position.optional(),
          enabled: z.boolean().optional(),
        }),
      )
      .optional(),
    add_edges: z.array(edge).optional(),
    remove_edges: z.array(edge).optional(),
  })
  .meta({
    id: 'WorkflowDiff',
    description:
      'The net change of a turn; empty keys are left out. Apply remove_edges, remove_blocks, add_blocks, update_blocks, add_edges in this order.',
    example: {
      update_blocks: [{ id: 'agent_1', config: { model: 'gpt-5.2', temperature: null } }],
      add_edges: [{ source: 'Start', target: 'agent_1' }],
    },
  });

const step = z.int();

/** Payload schema per event name, without `event` and `seq`. */
export const turnEventSchemas = {
  start: z.object({
    turn_id: z.string(),
    session_id: z.string(),
    user_message_id: z.string(),
    message_id: z.string(),
    model: z.string(),
  }),
  status: z.object({ message: z.string(), step: step.optional(), tool: z.string().optional() }),
  reasoning_delta: z.object({ step, delta: z.string() }),
  content_delta: z.object({ step, delta: z.string() }),
  content_reset: z.object({ step, content: z.string() }),
  tool_call: z.object({
    name: z.string(),
    arguments: z.union([jsonObject, z.string()]),
    call_id: z.string(),
    step,
    tool_call: z.object({ id: z.string(), name: z.string() }),
  }),
  tool_result: z.object({
    name: z.string(),
    result: z.string(),
    call_id: z.string(),
    step,
    is_error: z.boolean(),
    truncated: z.boolean(),
  }),
  confirmation_required: z.object({
    call_id: z.string(),
    name: z.string(),
    arguments: jsonObject,
    summary: z.string(),
    before: json,
    after: json,
    expires_at: z.string(),
  }),
  confirmation_resolved: z.object({
    call_id: z.string(),
    decision: z.enum(['approved', 'rejected', 'expired']),
    reason: z.string().optional(),
  }),
  complete: z.object({
    message_id: z.string(),
    content: z.string(),
    workflow_diff: workflowDiffSchema.nullable(),
    stop_reason: z.enum(STOP_REASONS),
    usage: usageSchema,
    turn_id: z.string(),
  }),
  error: z.object({
    error: z.string(),
    code: z.enum(ERROR_CODES),
    message_id: z.string(),
    turn_id: z.string(),
  }),
} as const;

export type TurnEventName = keyof typeof turnEventSchemas;
export type TurnEvent = {
  [K in TurnEventName]: { event: K } & z.infer<(typeof turnEventSchemas)[K]>;
}[TurnEventName];
