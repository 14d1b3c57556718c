/** A request of the Responses API, as the service sent it: the parts that a model sees. */
import { z } from 'zod';

const item = z.looseObject({
  type: z.string().optional(),
  role: z.string().optional(),
  content: z.string().optional(),
  name: z.string().optional(),
  call_id: z.string().optional(),
  arguments: z.string().optional(),
  output: z.string().optional(),
});
const tool = z.object({
  name: z.string(),
  description: z.string(),
  parameters: z.record(z.string(), z.json()),
});
const body = z.looseObject({
  instructions: z.string(),
  input: z.array(item),
  tools: z.array(tool).optional(),
});

/** One thing of a conversation. */
export interface SeenItem {
  kind: 'message' | 'call' | 'result';
  /** The role of a message, or the tool of a call or result. */
  of: string;
  text: string;
}

export interface SeenRequest {
  system: string;
  tools: readonly z.infer<typeof tool>[];
  items: readonly SeenItem[];
}

/** Reads a request's body. */
export function readRequest(json: unknown): SeenRequest {
  const { instructions, input, tools = [] } = body.parse(json);
  const toolOf = new Map(
    input.map(({ call_id: id = '', name }) => [name === undefined ? '' : id, name ?? '']),
  );
  return {
    system: instructions,
    tools,
    items: input.map(
      ({ type, role = '', content = '', name = '', call_id: id = '', arguments: args = '', output = '' }) =>
        type === 'function_call'
          ? { kind: 'call', of: name, text: args }
          : type === 'function_call_output'
            ? { kind: 'result', of: toolOf.get(id) ?? '', text: output }
            : { kind: 'message', of: role, text: content },
    ),
  };
}
