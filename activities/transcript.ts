/** The transcript's bodies: what the model said and what the tools answered, as stored and as sent back. */
import { createHash } from 'node:crypto';
import { STEP_SEPARATOR } from '../contracts/names.ts';
import { canonicalJson } from '../domain/canonical-json.ts';
import { parseJsonObject } from '../domain/json.ts';
import type { ModelMessage, ModelToolCall, OpaqueParts } from '../llm/types.ts';

export interface AssistantBody {
  content: string;
  toolCalls: ModelToolCall[];
  opaque: OpaqueParts | null;
  finish: 'stop' | 'tool_calls' | 'length' | 'refusal';
  inputTokens: number;
  outputTokens: number;
}

export interface ToolBody {
  callId: string;
  name: string;
  content: string;
  isError: boolean;
  preview: string;
}

interface Entry {
  step: number;
  role: 'assistant' | 'tool';
  body: string;
}

/** The texts of all answers before `step`, joined as the stream joins them. */
export function textBeforeStep(entries: readonly Entry[], step: number): string {
  return entries
    .filter((entry) => entry.role === 'assistant' && entry.step < step)
    .map((entry) => (JSON.parse(entry.body) as AssistantBody).content)
    .filter((text) => text !== '')
    .join(STEP_SEPARATOR);
}

/** Model messages from transcript rows in order. `wrap` fences a tool's result as data. */
export function toModelMessages(
  entries: readonly Entry[],
  wrap: (result: ToolBody) => string,
): ModelMessage[] {
  return entries.map((entry) => {
    if (entry.role === 'assistant') {
      const { content, toolCalls, opaque } = JSON.parse(entry.body) as AssistantBody;
      return { role: 'assistant', content, toolCalls, opaque };
    }
    const result = JSON.parse(entry.body) as ToolBody;
    return { role: 'tool', callId: result.callId, content: wrap(result), isError: result.isError };
  });
}

/** Ids are keys of the turn's tables and parts of URLs, and some servers use the same ones in every answer. */
export function uniqueCallIds(
  calls: readonly ModelToolCall[],
  used: ReadonlySet<string>,
  step: number,
): ModelToolCall[] {
  const taken = new Set(used);
  return calls.map((call, index) => {
    let callId = call.callId.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 56) || `call_${index}`;
    if (taken.has(callId)) callId = `${callId.slice(0, 48)}_s${step}_${index}`;
    taken.add(callId);
    return { ...call, callId };
  });
}

/** A short hash that is equal for equal arguments, whatever their key order or white space. */
export function hashArguments(text: string): string {
  const parsed = parseJsonObject(text);
  return createHash('sha256')
    .update(parsed === null ? text : canonicalJson(parsed))
    .digest('hex')
    .slice(0, 16);
}
