/** The wire formats of the fake provider: how a text, tool calls and usage are streamed by each API. */
import type { ServerResponse } from 'node:http';

/** A tool call of an answer. */
export interface Call {
  id: string;
  name: string;
  arguments: string;
}

/** An early end of an answer: at its length limit, or by a refusal. */
export type Finish = 'length' | 'refusal';

/** Writes one answer in the events of one API. */
export interface Wire {
  begin(): void;
  text(piece: string): void;
  end(calls: Call[], usage: { input: number; output: number }, finish?: Finish): void;
}

/** Writes an answer of OpenAI Responses. */
export function responsesWire(response: ServerResponse, body: Record<string, unknown>): Wire {
  let sequence = 0;
  let index = 0;
  let text = '';
  const output: object[] = [];
  const send = (type: string, fields: object): void =>
    void response.write(
      `event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: sequence++, ...fields })}\n\n`,
    );
  const shell = (status: string, fields: object = {}) => ({
    response: {
      id: 'resp_fake',
      object: 'response',
      created_at: 1,
      model: body.model,
      status,
      output: [],
      error: null,
      incomplete_details: null,
      usage: null,
      ...fields,
    },
  });
  const part = (value: string) => ({ type: 'output_text', text: value, annotations: [] });
  return {
    begin() {
      send('response.created', shell('in_progress'));
      send('response.in_progress', shell('in_progress'));
    },
    text(piece) {
      if (text === '') {
        send('response.output_item.added', {
          output_index: 0,
          item: { id: 'msg_0', type: 'message', role: 'assistant', status: 'in_progress', content: [] },
        });
        send('response.content_part.added', {
          item_id: 'msg_0',
          output_index: 0,
          content_index: 0,
          part: part(''),
        });
      }
      text += piece;
      send('response.output_text.delta', {
        item_id: 'msg_0',
        output_index: 0,
        content_index: 0,
        delta: piece,
        logprobs: [],
      });
    },
    end(calls, usage, finish) {
      if (text !== '') {
        send('response.output_text.done', {
          item_id: 'msg_0',
          output_index: 0,
          content_index: 0,
          text,
          logprobs: [],
        });
        send('response.content_part.done', {
          item_id: 'msg_0',
          output_index: 0,
          content_index: 0,
          part: part(text),
        });
        const message = {
          id: 'msg_0',
          type: 'message',
          role: 'assistant',
          status: 'completed',
          content: [part(text)],
        };
        send('response.output_item.done', { output_index: 0, item: message });
        output.push(message);
        index = 1;
      }
      for (const call of calls) {
        const item = { id: `fc_${index}`, type: 'function_call', call_id: call.id, name: call.name };
        send('response.output_item.added', {
          output_index: index,
          item: { ...item, status: 'in_progress', arguments: '' },
        });
        send('response.function_call_arguments.delta', {
          item_id: item.id,
          output_index: index,
          delta: call.arguments,
        });
        send('response.function_call_arguments.done', {
          item_id: item.id,
          output_index: index,
          arguments: call.arguments,
        });
        const done = { ...item, status: 'completed', arguments: call.arguments };
        send('response.output_item.done', { output_index: index, item: done });
        output.push(done);
        index += 1;
      }
      const isCut = finish === 'length';
      const isFiltered = finish === 'refusal';
      send(
        isCut || isFiltered ? 'response.incomplete' : 'response.completed',
        shell(isCut || isFiltered ? 'incomplete' : 'completed', {
          output,
          ...(isCut ? { incomplete_details: { reason: 'max_output_tokens' } } : {}),
          ...(isFiltered ? { incomplete_details: { reason: 'content_filter' } } : {}),
          usage: {
            input_tokens: usage.input,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: usage.output,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: usage.input + usage.output,
          },
        }),
      );
      response.end();
    },
  };
}

/** Writes an answer of OpenAI Chat Completions. */
export function chatWire(response: ServerResponse, body: Record<string, unknown>): Wire {
  const send = (delta: object | null, finish: string | null, extra: object = {}): void =>
    void response.write(
      `data: ${JSON.stringify({ id: 'chatcmpl-fake', object: 'chat.completion.chunk', created: 1, model: body.model, choices: delta ? [{ index: 0, delta, finish_reason: finish }] : [], ...extra })}\n\n`,
    );
  return {
    begin: () => send({ role: 'assistant', content: '' }, null),
    text: (piece) => send({ content: piece }, null),
    end(calls, usage, finish) {
      for (const [index, call] of calls.entries()) {
        send(
          {
            tool_calls: [
              { index, id: call.id, type: 'function', function: { name: call.name, arguments: '' } },
            ],
          },
          null,
        );
        send({ tool_calls: [{ index, function: { arguments: call.arguments } }] }, null);
      }
      const ended = calls.length > 0 ? 'tool_calls' : 'stop';
      send({}, finish === 'length' ? 'length' : finish === 'refusal' ? 'content_filter' : ended);
      send(null, null, {
        usage: {
          prompt_tokens: usage.input,
          completion_tokens: usage.output,
          total_tokens: usage.input + usage.output,
        },
      });
      response.write('data: [DONE]\n\n');
      response.end();
    },
  };
}

/** Writes an answer of Anthropic Messages. */
export function messagesWire(response: ServerResponse, body: Record<string, unknown>): Wire {
  let index = -1;
  let isText = false;
  const send = (type: string, fields: object): void =>
    void response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`);
  const stop = (): void => {
    if (index >= 0) send('content_block_stop', { index });
  };
  return {
    begin() {
      send('message_start', {
        message: {
          id: 'msg_fake',
          type: 'message',
          role: 'assistant',
          model: body.model,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: { input_tokens: 1, output_tokens: 1 },
        },
      });
      send('ping', {});
    },
    text(piece) {
      if (!isText) {
        isText = true;
        index += 1;
        send('content_block_start', { index, content_block: { type: 'text', text: '' } });
      }
      send('content_block_delta', { index, delta: { type: 'text_delta', text: piece } });
    },
    end(calls, usage, finish) {
      stop();
      for (const call of calls) {
        index += 1;
        const { id, name } = call;
        send('content_block_start', { index, content_block: { type: 'tool_use', id, name, input: {} } });
        const half = Math.ceil(call.arguments.length / 2);
        for (const piece of ['', call.arguments.slice(0, half), call.arguments.slice(half)])
          send('content_block_delta', { index, delta: { type: 'input_json_delta', partial_json: piece } });
        stop();
      }
      const ended = calls.length > 0 ? 'tool_use' : 'end_turn';
      send('message_delta', {
        delta: {
          stop_reason: finish === 'length' ? 'max_tokens' : finish === 'refusal' ? 'refusal' : ended,
          stop_sequence: null,
        },
        usage: { input_tokens: usage.input, output_tokens: usage.output },
      });
      send('message_stop', {});
      response.end();
    },
  };
}
