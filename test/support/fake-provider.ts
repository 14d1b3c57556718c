/**
 * A fake model provider for tests: an HTTP server that speaks Responses, Chat Completions and Messages. A test passes a
 * function that returns a script for each request; the server plays the script and keeps the request. It refuses requests
 * that a real provider would refuse.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { listenLocally } from './listen.ts';
import { refusalOf } from './provider-rules.ts';

export interface Script {
  /** Pieces of text, in order. A function is called when its piece is due. */
  text?: (string | (() => string))[];
  /** The time between two pieces, counted from the start of the answer. The default 0 sends all pieces at once. */
  pieceMs?: number;
  toolCalls?: { id?: string; name: string; arguments: unknown }[];
  /** Answers with an HTTP error instead of a stream. */
  error?: { status: number; body: unknown; headers?: Record<string, string> };
  /** The wait before the first byte of the answer. */
  firstByteMs?: number;
  /** Destroys the connection after this many pieces, without the terminal event. */
  cutAfter?: number;
  usage?: { input: number; output: number };
  /** The end of the answer, with its usage, waits for this promise. */
  holdEnd?: Promise<unknown>;
  /** Raw bytes that replace the end of the answer. */
  raw?: string;
  /** How the answer ends. Without it: with tool calls or as complete. */
  finish?: 'length' | 'refusal';
}

export interface FakeRequest {
  /** The number of the request, from 1. */
  n: number;
  path: string;
  body: Record<string, unknown>;
  headers: IncomingMessage['headers'];
  /** The number of tool results in the request, from which a script can tell the step. */
  toolResults: number;
  /** The newest user message. */
  message: string;
  /** The usage that was sent with the end of the answer; null when the end was not sent. */
  sent: { input: number; output: number } | null;
}

export interface FakeProvider {
  /** The base URL with `/v1`, for OPENAI_BASE_URL. */
  url: string;
  requests: FakeRequest[];
  /** The reasons of refused requests. It must stay empty: a real provider would have refused them too. */
  refusals: string[];
  /** How many answers were sent to their end. */
  completed(): number;
  close(): Promise<void>;
}

/** Starts the server on a free port. */
export async function startFakeProvider(script: (request: FakeRequest) => Script): Promise<FakeProvider> {
  const requests: FakeRequest[] = [];
  const refusals: string[] = [];
  let completed = 0;
  const server = createServer((request, response) => {
    response.socket?.setNoDelay(true);
    answer(request, response).catch(() => response.destroy());
  });

  const answer = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = JSON.parse(await readText(incoming)) as Record<string, unknown>;
    const request = describe(requests.length + 1, incoming, body);
    requests.push(request);
    const refusal = refusalOf(request.path, body);
    if (refusal) {
      refusals.push(refusal.message);
      response.writeHead(refusal.status, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error: { type: 'invalid_request_error', message: refusal.message } }));
      return;
    }
    const plan = script(request);
    if (plan.firstByteMs) await delay(plan.firstByteMs);
    if (plan.error) {
      response.writeHead(plan.error.status, { 'content-type': 'application/json', ...plan.error.headers });
      response.end(JSON.stringify(plan.error.body));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    const wire = request.path.endsWith('/responses')
      ? responsesWire(response, body)
      : request.path.endsWith('/messages')
        ? messagesWire(response, body)
        : chatWire(response, body);
    wire.begin();
    const startedAt = performance.now();
    for (const [index, piece] of (plan.text ?? []).entries()) {
      if (plan.cutAfter === index) return void response.destroy();
      const due = startedAt + (plan.pieceMs ?? 0) * (index + 1) - performance.now();
      if (due > 1) await delay(due);
      if (response.destroyed) return;
      wire.text(typeof piece === 'string' ? piece : piece());
    }
    if (plan.cutAfter !== undefined) return void response.destroy();
    if (plan.raw !== undefined) return void response.end(plan.raw);
    const calls = (plan.toolCalls ?? []).map((call, index) => ({
      id: call.id ?? `call_${request.n}_${index}`,
      name: call.name,
      arguments: typeof call.arguments === 'string' ? call.arguments : JSON.stringify(call.arguments),
    }));
    const usage = plan.usage ?? { input: 100, output: 20 };
    await plan.holdEnd;
    if (response.destroyed) return;
    wire.end(calls, usage, plan.finish);
    request.sent = usage;
    completed += 1;
  };

  const { port, close } = await listenLocally(server);
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    refusals,
    completed: () => completed,
    close,
  };
}

interface Call {
  id: string;
  name: string;
  arguments: string;
}

interface Wire {
  begin(): void;
  text(piece: string): void;
  end(calls: Call[], usage: { input: number; output: number }, finish?: Script['finish']): void;
}

function responsesWire(response: ServerResponse, body: Record<string, unknown>): Wire {
  let sequence = 0;
  let index = 0;
  let text = '';
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
        send('response.output_item.done', {
          output_index: 0,
          item: {
            id: 'msg_0',
            type: 'message',
            role: 'assistant',
            status: 'completed',
            content: [part(text)],
          },
        });
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
        send('response.output_item.done', {
          output_index: index,
          item: { ...item, status: 'completed', arguments: call.arguments },
        });
        index += 1;
      }
      const isCut = finish === 'length';
      const isFiltered = finish === 'refusal';
      send(
        isCut || isFiltered ? 'response.incomplete' : 'response.completed',
        shell(isCut || isFiltered ? 'incomplete' : 'completed', {
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

function chatWire(response: ServerResponse, body: Record<string, unknown>): Wire {
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

function messagesWire(response: ServerResponse, body: Record<string, unknown>): Wire {
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

function describe(n: number, incoming: IncomingMessage, body: Record<string, unknown>): FakeRequest {
  const items = (body.input ?? body.messages) as { type?: string; role?: string; content?: unknown }[];
  const users = items.filter((item) => item.role === 'user');
  return {
    n,
    path: incoming.url ?? '',
    body,
    headers: incoming.headers,
    toolResults: items.reduce((sum, item) => sum + resultsIn(item), 0),
    message: users.map(({ content }) => textOf(content)).findLast((text) => text !== '') ?? '',
    sent: null,
  };
}

function resultsIn(item: { type?: string; role?: string; content?: unknown }): number {
  if (item.type === 'function_call_output' || item.role === 'tool') return 1;
  return partsOf(item.content).filter(({ type }) => type === 'tool_result').length;
}

/** The text of a message, or of its last text part. */
function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  return partsOf(content).findLast(({ type }) => type === 'text')?.text ?? '';
}

function partsOf(content: unknown): { type: string; text?: string }[] {
  return Array.isArray(content) ? (content as { type: string; text?: string }[]) : [];
}

async function readText(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
