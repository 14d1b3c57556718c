/** A reader as light as it can be: sends a chat message and notes when each piece arrived. */
import { Agent, request } from 'node:http';
import type { Answer } from './model-server.ts';
import type { ReadyFile } from './bench-system.ts';
import { sharedClockMs } from './stats.ts';

export interface Reading {
  /** From the request to the first piece. */
  firstTokenMs: number;
  /** From the model server to here, for each piece. */
  deltaMs: number[];
  /** From the request to the end of the stream. */
  totalMs: number;
  turnId: string;
}

/** A turn that takes longer has met a fault, which must not look like a hang. */
const LIMIT_MS = 60_000;

const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

/** The answer was another than 200, or the stream ended before the turn. */
export class ChatError extends Error {
  readonly status: number | undefined;

  constructor(status: number | undefined, text: string) {
    super(`the chat answered ${status}: ${text.slice(0, 300)}`);
    this.status = status;
  }
}

/** A chat on the product, in a session made before. `idempotencyKey` lets it be sent again. */
export function chatWithProduct(
  ready: ReadyFile,
  sessionId: string,
  answer: Answer,
  idempotencyKey?: string,
): Promise<Reading> {
  return read(`${ready.url}/api/copilot/sessions/${sessionId}/chat`, answer, {
    Authorization: `Bearer ${ready.key}`,
    ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
  });
}

export function chatWithBare(bareUrl: string, answer: Answer): Promise<Reading> {
  return read(`${bareUrl}/chat`, answer, {});
}

/** Sessions of the sample workflow. */
export async function makeSessions(ready: ReadyFile, count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let n = 0; n < count; n += 1) {
    const response = await fetch(`${ready.url}/api/copilot/sessions`, {
      method: 'POST',
      headers: { Authorization: `Bearer ${ready.key}`, 'Content-Type': 'application/json' },
      body: JSON.stringify({ workflow_id: ready.workflow_id }),
    });
    ids.push(((await response.json()) as { id: string }).id);
  }
  return ids;
}

function read(url: string, answer: Answer, headers: Record<string, string>): Promise<Reading> {
  const body = JSON.stringify({ message: JSON.stringify(answer) });
  return new Promise((resolve, reject) => {
    const startedAt = sharedClockMs();
    let firstTokenMs = Number.NaN;
    const deltaMs: number[] = [];
    let text = '';
    const sent = request(
      url,
      {
        agent,
        method: 'POST',
        headers: {
          'Content-Type': 'application/json',
          'Content-Length': Buffer.byteLength(body),
          ...headers,
        },
      },
      (response) => {
        response.on('data', (chunk: Buffer) => {
          const now = sharedClockMs();
          text += chunk.toString();
          const end = text.lastIndexOf('\n\n');
          if (end < 0) return;
          for (const block of text.slice(0, end).split('\n\n')) {
            if (block.startsWith('data: {"event":"complete"')) completed = true;
            if (!block.startsWith('data: {"event":"content_delta"')) continue;
            if (Number.isNaN(firstTokenMs)) firstTokenMs = now - startedAt;
            for (const [, stamp] of block.matchAll(/@(\d+\.\d+);/g)) deltaMs.push(now - Number(stamp));
          }
          text = text.slice(end + 2);
        });
        response.on('end', () => {
          if (response.statusCode === 200 && completed)
            resolve({
              firstTokenMs,
              deltaMs,
              totalMs: sharedClockMs() - startedAt,
              turnId: String(response.headers['x-turn-id'] ?? ''),
            });
          else reject(new ChatError(response.statusCode, text));
        });
        response.on('error', reject);
      },
    );
    let completed = false;
    sent.setTimeout(LIMIT_MS, () => sent.destroy(new Error(`no answer from ${url}`)));
    sent.on('error', reject);
    sent.end(body);
  });
}
