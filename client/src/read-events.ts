/** The events of one answer: bytes to parsed events, for as long as the connection speaks. */
import { createParser } from 'eventsource-parser';
import { CopilotError } from './errors.ts';

/** What every block of a stream holds. Which event it is stays open: a later service may send new ones. */
export interface WireEvent {
  event: string;
  seq?: number;
}

/** The service pings every 15 seconds: after three pings that did not come, the connection counts as cut. */
export const SILENCE_MS = 45_000;

/**
 * The events in groups as they arrive; ends when the connection does. Throws CopilotError: `network` when it breaks or falls
 * silent, `bad_answer` for a block that is no event. The body is released in every case.
 */
export async function* readEvents(
  body: ReadableStream<Uint8Array>,
  options: { silenceMs: number; onRetry: (ms: number) => void },
): AsyncGenerator<WireEvent[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let events: WireEvent[] = [];
  const parser = createParser({
    onEvent: ({ data }) => events.push(parseEvent(data)),
    onRetry: options.onRetry,
  });
  try {
    for (;;) {
      const { done, value } = await readWithin(reader, options.silenceMs);
      if (done) return;
      parser.feed(decoder.decode(value, { stream: true }));
      if (events.length === 0) continue;
      yield events;
      events = [];
    }
  } finally {
    // Rejects where the connection broke already.
    reader.cancel().catch(() => undefined);
  }
}

async function readWithin(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  silenceMs: number,
): Promise<{ done: boolean; value?: Uint8Array }> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new CopilotError('network', 'The service has said nothing for too long')),
      silenceMs,
    );
  });
  try {
    return await Promise.race([reader.read(), silence]);
  } catch (cause: unknown) {
    throw cause instanceof CopilotError
      ? cause
      : new CopilotError('network', 'The connection broke', { cause });
  } finally {
    clearTimeout(timer);
  }
}

function parseEvent(data: string): WireEvent {
  try {
    const value: unknown = JSON.parse(data);
    if (isWireEvent(value)) return value;
  } catch {
    // Below.
  }
  throw new CopilotError('bad_answer', 'The stream holds something that is no event');
}

function isWireEvent(value: unknown): value is WireEvent {
  if (typeof value !== 'object' || value === null) return false;
  const { event, seq } = value as { event?: unknown; seq?: unknown };
  return typeof event === 'string' && (seq === undefined || (Number.isSafeInteger(seq) && Number(seq) > 0));
}
