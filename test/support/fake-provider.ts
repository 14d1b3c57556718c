/**
 * A fake model provider for tests: an HTTP server that speaks Responses, Chat Completions and Messages. A test passes a
 * function that returns a script for each request; the server plays the script and keeps the request. It refuses requests
 * that a real provider would refuse.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { chatWire, type Finish, messagesWire, responsesWire } from './fake-provider-wires.ts';
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
  /** After this many pieces the answer goes no further: its reader must give it up. */
  stopAfter?: number;
  /** Raw bytes that replace the end of the answer. */
  raw?: string;
  /** How the answer ends. Without it: with tool calls or as complete. */
  finish?: Finish;
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
      if (plan.stopAfter === index) return;
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
  return partsOf(content).findLast(({ type }) => type === 'text' || type === 'input_text')?.text ?? '';
}

function partsOf(content: unknown): { type: string; text?: string }[] {
  return Array.isArray(content) ? (content as { type: string; text?: string }[]) : [];
}

async function readText(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}
