/** The events of one answer: bytes to parsed events, for as long as the connection speaks. */
import { createParser } from 'eventsource-parser';
import { CopilotError, parseObject } from './errors.ts';

/** What every block of a stream holds. Which event it is stays open: a later service may send new ones. */
export interface WireEvent {
  event: string;
  seq?: number;
}

/** The service pings every 15 seconds: after three pings that did not come, the connection counts as cut. */
const SILENCE_MS = 45_000;

/**
 * The longest event, in characters. The service can send some 120 million: 25 answers of four million each, and a diff of 16
 * MB.
 */
const MAX_EVENT_CHARS = 128 * 1024 * 1024;

/**
 * The events in groups as they arrive; ends when the connection does, or the signal says so. Throws CopilotError: `network`
 * when the connection breaks or falls silent, `bad_answer` for a block that is no event or does not end, after the events
 * before that block. The body is released in every case.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  options: { signal: AbortSignal; onRetry: (ms: number) => void },
): AsyncGenerator<WireEvent[]> {
  const reader = body.getReader();
  // Ends a read that is under way. Rejects where the connection broke already.
  const release = (): void => void reader.cancel().catch(() => undefined);
  options.signal.addEventListener('abort', release);
  const decoder = new TextDecoder();
  const read: { events: WireEvent[]; problem: string | null } = { events: [], problem: null };
  const parser = createParser({
    onEvent({ data }) {
      if (read.problem !== null) return;
      const event = parseEvent(data);
      if (event === null) read.problem = 'The stream holds what is no event';
      else read.events.push(event);
    },
    onError({ type }) {
      if (type === 'max-buffer-size-exceeded') read.problem ??= 'The stream holds an event without an end';
    },
    onRetry: options.onRetry,
    maxBufferSize: MAX_EVENT_CHARS,
  });
  try {
    while (!options.signal.aborted) {
      const { done, value } = await readWithin(reader, SILENCE_MS);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (read.events.length > 0) yield read.events.splice(0);
      if (read.problem !== null) throw new CopilotError('bad_answer', read.problem);
    }
  } finally {
    options.signal.removeEventListener('abort', release);
    release();
  }
}

function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  ms: number,
): Promise<{ done: boolean; value?: Uint8Array | undefined }> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new CopilotError('network', 'The service has said nothing for too long')),
      ms,
    );
    reader
      .read()
      .then(resolve, (cause: unknown) =>
        reject(new CopilotError('network', 'The connection broke', { cause })),
      )
      .finally(() => clearTimeout(timer));
  });
}

function parseEvent(data: string): WireEvent | null {
  const value = parseObject(data);
  return value !== null && isWireEvent(value) ? value : null;
}

function isWireEvent(value: object): value is WireEvent {
  const { event, seq } = value as { event?: unknown; seq?: unknown };
  return typeof event === 'string' && (seq === undefined || (Number.isSafeInteger(seq) && Number(seq) > 0));
}
