/** A turn of an agent: model calls and tool calls until the model calls no tool. Imports nothing: workflows use it. */

export interface ToolCall {
  id: string;
  name: string;
  arguments: string;
}

export interface Step {
  text: string;
  calls: ToolCall[];
}

/** An item of the conversation, in the form of OpenAI's Responses API. */
export type Item =
  | { role: 'user' | 'assistant'; content: string }
  | { type: 'function_call'; call_id: string; name: string; arguments: string }
  | { type: 'function_call_output'; call_id: string; output: string };

/** The activities of a turn. */
export interface TurnActivities {
  callModel: (conversation: Item[]) => Promise<Step>;
  callTool: (call: ToolCall) => Promise<string>;
}

/** Runs the turn. Returns the text of the last model call. */
export async function runTurn(message: string, { callModel, callTool }: TurnActivities): Promise<string> {
  const conversation: Item[] = [{ role: 'user', content: message }];
  for (;;) {
    const { text, calls } = await callModel(conversation);
    if (calls.length === 0) return text;
    conversation.push({ role: 'assistant', content: text });
    for (const call of calls) {
      conversation.push({
        type: 'function_call',
        call_id: call.id,
        name: call.name,
        arguments: call.arguments,
      });
      conversation.push({ type: 'function_call_output', call_id: call.id, output: await callTool(call) });
    }
  }
}
