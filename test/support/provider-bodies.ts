/** The request bodies of the real providers, as their references describe them. An unknown parameter does not fit. */
import { z } from 'zod';

const open = z.unknown().optional();
const name = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);
const effort = z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh']);
const temperature = z.number().min(0).max(2).optional();

const responsesTool = z.strictObject({
  type: z.literal('function'),
  name,
  description: z.string().nullish(),
  parameters: z.record(z.string(), z.unknown()),
  strict: z.boolean(),
});
const responsesPart = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('input_text'), text: z.string() }),
  z.strictObject({ type: z.literal('output_text'), text: z.string(), annotations: open, logprobs: open }),
]);
const responsesItem = z.union([
  z.strictObject({
    type: z.literal('message').optional(),
    role: z.enum(['user', 'assistant', 'system', 'developer']),
    content: z.union([z.string(), z.array(responsesPart).min(1)]),
    id: open,
    status: open,
    phase: open,
  }),
  z.strictObject({
    type: z.literal('function_call'),
    call_id: z.string().min(1).max(64),
    name,
    arguments: z.string(),
    id: open,
    status: open,
  }),
  z.strictObject({
    type: z.literal('function_call_output'),
    call_id: z.string().min(1),
    output: z.string(),
    id: open,
    status: open,
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    summary: z.array(z.unknown()),
    encrypted_content: z.string(),
    id: open,
  }),
]);
export const responsesBody = z.strictObject({
  model: z.string(),
  input: z.array(responsesItem).min(1),
  instructions: z.string().optional(),
  tools: z.array(responsesTool).optional(),
  tool_choice: z.enum(['auto', 'none', 'required']).optional(),
  parallel_tool_calls: z.boolean().optional(),
  temperature,
  reasoning: z.strictObject({ effort: effort.optional(), summary: open }).optional(),
  include: z.array(z.enum(['reasoning.encrypted_content'])).optional(),
  prompt_cache_key: z.string().max(64).optional(),
  max_output_tokens: z.int().min(16).optional(),
  store: z.boolean().optional(),
  stream: z.boolean().optional(),
});

const chatMessage = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('system'), content: z.string() }),
  z.strictObject({ role: z.literal('user'), content: z.string() }),
  z.strictObject({
    role: z.literal('assistant'),
    content: z.string().nullable(),
    tool_calls: z
      .array(
        z.strictObject({
          id: z.string().min(1),
          type: z.literal('function'),
          function: z.strictObject({ name, arguments: z.string() }),
        }),
      )
      .min(1)
      .optional(),
  }),
  z.strictObject({ role: z.literal('tool'), tool_call_id: z.string().min(1), content: z.string() }),
]);
export const chatBody = z.strictObject({
  model: z.string(),
  messages: z.array(chatMessage).min(1),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        function: z.strictObject({
          name,
          description: z.string().optional(),
          parameters: z.record(z.string(), z.unknown()),
          strict: z.boolean().optional(),
        }),
      }),
    )
    .min(1)
    .optional(),
  tool_choice: z.enum(['auto', 'none', 'required']).optional(),
  parallel_tool_calls: z.boolean().optional(),
  temperature,
  reasoning_effort: effort.optional(),
  max_completion_tokens: z.int().min(1).optional(),
  prompt_cache_key: z.string().optional(),
  stream: z.boolean().optional(),
  stream_options: z.strictObject({ include_usage: z.boolean() }).optional(),
});

const mark = z
  .strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() })
  .optional();
const filled = z
  .string()
  .refine((text) => text.trim() !== '', 'text content blocks must contain non-whitespace text');
const claudeBlock = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text'), text: filled, cache_control: mark }),
  z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().min(1) }),
  z.strictObject({ type: z.literal('redacted_thinking'), data: z.string().min(1) }),
  z.strictObject({
    type: z.literal('tool_use'),
    id: name,
    name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
    input: z.record(z.string(), z.unknown()),
    cache_control: mark,
  }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: name,
    content: z.string(),
    is_error: z.boolean().optional(),
    cache_control: mark,
  }),
]);
export const claudeBody = z.strictObject({
  model: z.string(),
  max_tokens: z.int().min(1).max(64_000),
  messages: z
    .array(
      z.strictObject({
        role: z.enum(['user', 'assistant']),
        content: z.array(claudeBlock).min(1, 'all messages must have non-empty content'),
      }),
    )
    .min(1),
  system: z.array(z.strictObject({ type: z.literal('text'), text: filled, cache_control: mark })).optional(),
  tools: z
    .array(
      z.strictObject({
        name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
        description: z.string().optional(),
        input_schema: z.looseObject({ type: z.literal('object') }),
        cache_control: mark,
      }),
    )
    .optional(),
  tool_choice: z
    .strictObject({
      type: z.enum(['auto', 'none', 'any']),
      disable_parallel_tool_use: z.boolean().optional(),
    })
    .optional(),
  stream: z.boolean().optional(),
});
