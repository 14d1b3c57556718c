/** The model call and the tools that the hand-written program and the workflow-streams program share. */
import OpenAI from 'openai';
import type { Item, Step, ToolCall } from './turn.ts';

const MODEL = 'gpt-5.2';
/** The model server calls these two. */
export const TOOL_NAMES = ['modify_workflow', 'get_block_info'];
const ANY_ARGUMENTS = {
  type: 'object' as const,
  properties: {},
  required: [],
  additionalProperties: true as const,
};

/** Temporal retries, not the SDK. */
const openai = new OpenAI({ apiKey: 'none', baseURL: process.env.OPENAI_BASE_URL, maxRetries: 0 });

/** Streams one answer of the model. Yields its pieces of text and returns the whole answer. */
export async function* streamAnswer(conversation: Item[]): AsyncGenerator<string, Step> {
  const events = await openai.responses.create({
    model: MODEL,
    input: conversation,
    tools: TOOL_NAMES.map((name) => ({ type: 'function', name, parameters: ANY_ARGUMENTS, strict: false })),
    stream: true,
    store: false,
  });
  let text = '';
  const calls: ToolCall[] = [];
  for await (const event of events) {
    if (event.type === 'response.output_text.delta') {
      text += event.delta;
      yield event.delta;
    } else if (event.type === 'response.output_item.done' && event.item.type === 'function_call') {
      calls.push({ id: event.item.call_id, name: event.item.name, arguments: event.item.arguments });
    }
  }
  return { text, calls };
}

/** A tool that costs nothing: the benchmark is about what is around it. */
export function toolResult(name: string): string {
  return JSON.stringify({ ok: true, tool: name });
}
