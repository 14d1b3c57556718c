/**
 * The rules by which the real providers refuse a request, from their references and from recorded errors: unknown
 * parameters, parameters that a model does not take, and inconsistent conversations. The rules do not use the product's
 * model catalogue, so that a fault of the catalogue shows.
 */
import type { z } from 'zod';
import { chatBody, claudeBody, responsesBody } from './provider-bodies.ts';

export interface Refusal {
  status: 400;
  message: string;
}

/** Models that always reason. They refuse the parameters that this excludes. */
const ALWAYS_REASON = /^(o1|o3|o4)/;
/** Models without reasoning. */
const NEVER_REASON = /^gpt-4/;

/** Why a provider would refuse this request; null when it would accept the request. */
export function refusalOf(path: string, body: unknown): Refusal | null {
  const message = path.endsWith('/responses')
    ? refuseResponses(body)
    : path.endsWith('/chat/completions')
      ? refuseChat(body)
      : refuseMessages(body);
  return message === null ? null : { status: 400, message };
}

function refuseShape(schema: z.ZodType, body: unknown): string | null {
  const parsed = schema.safeParse(body);
  if (parsed.success) return null;
  return parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
}

function refuseResponses(json: unknown): string | null {
  const shape = refuseShape(responsesBody, json);
  if (shape !== null) return shape;
  const body = json as z.output<typeof responsesBody>;
  const { model, include, reasoning } = body;
  const traits = refuseTraits(model, { ...body, effort: reasoning?.effort });
  if (traits !== null) return traits;
  if (NEVER_REASON.test(model) && include?.includes('reasoning.encrypted_content'))
    return 'Encrypted content is not supported with this model.';
  for (const tool of body.tools ?? []) {
    const bad = tool.strict ? refuseStrict(tool.parameters, tool.name) : null;
    if (bad !== null) return bad;
  }
  const items = body.input as { type?: string; role?: string; call_id?: string }[];
  const open = new Set<string>();
  for (const [at, item] of items.entries()) {
    if (item.type === 'function_call') {
      if (open.has(item.call_id!)) return `duplicate call_id ${item.call_id}`;
      open.add(item.call_id!);
    } else if (item.type === 'function_call_output') {
      if (!open.delete(item.call_id!)) return `No tool call found for function call output ${item.call_id}.`;
    } else if (item.type === 'reasoning') {
      const next = items[at + 1];
      const led = next?.type === 'function_call' || next?.type === 'reasoning' || next?.role === 'assistant';
      if (!led) return "Item of type 'reasoning' was provided without its required following item.";
    }
  }
  return open.size > 0 ? `No tool output found for function call ${[...open][0]}.` : null;
}

function refuseChat(json: unknown): string | null {
  const shape = refuseShape(chatBody, json);
  if (shape !== null) return shape;
  const body = json as z.output<typeof chatBody>;
  const traits = refuseTraits(body.model, { ...body, effort: body.reasoning_effort });
  if (traits !== null) return traits;
  for (const { function: tool } of body.tools ?? []) {
    const bad = tool.strict ? refuseStrict(tool.parameters, tool.name) : null;
    if (bad !== null) return bad;
  }
  let open = new Set<string>();
  for (const message of body.messages) {
    if (message.role === 'tool') {
      if (!open.delete(message.tool_call_id)) return 'tool messages must follow their tool_calls';
      continue;
    }
    if (open.size > 0) return `tool_call_ids without response messages: ${[...open].join(', ')}`;
    if (message.role !== 'assistant') continue;
    if (message.content === null && !message.tool_calls)
      return 'an assistant message needs content or tool_calls';
    open = new Set(message.tool_calls?.map(({ id }) => id));
  }
  return open.size > 0 ? `tool_call_ids without response messages: ${[...open].join(', ')}` : null;
}

/** Checks the parameters that some models refuse. Both of OpenAI's APIs have the same rules. */
function refuseTraits(
  model: string,
  body: {
    temperature?: number | undefined;
    parallel_tool_calls?: boolean | undefined;
    tool_choice?: string | undefined;
    tools?: readonly unknown[] | undefined;
    effort: string | undefined;
  },
): string | null {
  if (body.tools === undefined && body.tool_choice !== undefined)
    return 'tool_choice is only allowed with tools';
  if (body.tools === undefined && body.parallel_tool_calls !== undefined)
    return 'parallel_tool_calls is only allowed with tools';
  if (ALWAYS_REASON.test(model)) {
    if (body.temperature !== undefined && body.temperature !== 1)
      return "Unsupported value: 'temperature' does not support 0.7 with this model.";
    if (body.parallel_tool_calls !== undefined) return "Unsupported parameter: 'parallel_tool_calls'";
  }
  if (NEVER_REASON.test(model) && body.effort !== undefined)
    return "Unsupported parameter: 'reasoning.effort'";
  if (model.startsWith('gpt-5') && body.temperature !== undefined && (body.effort ?? 'none') !== 'none')
    return "Unsupported parameter: 'temperature'";
  return null;
}

function stringsIn(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

/** Checks the strict subset of JSON Schema: every object is closed, every property is required. */
function refuseStrict(schema: unknown, of: string): string | null {
  if (Array.isArray(schema))
    return schema.map((part) => refuseStrict(part, of)).find((bad) => bad !== null) ?? null;
  if (typeof schema !== 'object' || schema === null) return null;
  const node = schema as Record<string, unknown>;
  if (node.type === 'object' || node.properties !== undefined) {
    const keys = Object.keys(node.properties ?? {}).sort();
    const required = stringsIn(node.required).sort();
    if (node.additionalProperties !== false)
      return `Invalid schema for function '${of}': 'additionalProperties' is required to be supplied and to be false.`;
    if (JSON.stringify(keys) !== JSON.stringify(required))
      return `Invalid schema for function '${of}': 'required' is required to include every key in properties.`;
  }
  return (
    Object.entries(node)
      .filter(([key]) => ['properties', 'items', 'anyOf', '$defs'].includes(key))
      .map(([key, part]) =>
        refuseStrict(key === 'properties' || key === '$defs' ? Object.values(part as object) : part, of),
      )
      .find((bad) => bad !== null) ?? null
  );
}

function refuseMessages(json: unknown): string | null {
  // The API version of the SDK accepts none of these parameters, for any model.
  for (const key of ['temperature', 'top_p', 'top_k'])
    if (typeof json === 'object' && json !== null && key in json)
      return `${key}: Extra inputs are not permitted`;
  const shape = refuseShape(claudeBody, json);
  if (shape !== null) return shape;
  const { messages, system = [], tools = [], tool_choice } = json as z.output<typeof claudeBody>;
  if (tool_choice && tools.length === 0) return 'tool_choice may only be specified while providing tools';
  const marks = JSON.stringify([system, tools, messages]).split('"cache_control"').length - 1;
  if (marks > 4) return `A maximum of 4 blocks with cache_control may be provided. Found ${marks}.`;
  if (messages[0]!.role !== 'user') return 'first message must use the "user" role';
  if (messages.at(-1)!.role !== 'user') return 'This model does not support assistant message prefill.';
  for (const [at, message] of messages.entries()) {
    const used = message.content.flatMap((part) => (part.type === 'tool_use' ? [part.id] : []));
    if (message.role === 'user' && used.length > 0)
      return 'tool_use blocks can only be in assistant messages';
    if (new Set(used).size < used.length) return '`tool_use` ids must be unique';
    const before = at === 0 ? [] : messages[at - 1]!.content;
    const asked = before.flatMap((part) => (part.type === 'tool_use' ? [part.id] : []));
    const answered = message.content.flatMap((part) =>
      part.type === 'tool_result' ? [part.tool_use_id] : [],
    );
    if (answered.some((id) => !asked.includes(id)))
      return 'unexpected `tool_use_id` found in `tool_result` blocks';
    if (asked.some((id) => !answered.includes(id)))
      return '`tool_use` ids were found without `tool_result` blocks immediately after';
    const firstOther = message.content.findIndex((part) => part.type !== 'tool_result');
    const lastResult = message.content.findLastIndex((part) => part.type === 'tool_result');
    if (firstOther !== -1 && firstOther < lastResult) return '`tool_result` blocks must come first';
  }
  return null;
}
