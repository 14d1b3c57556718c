/** A reader that keeps nothing of a stream but what a soak asks of it. */
import type { WireEvent } from '../support/cluster.ts';

export interface StreamFacts {
  status: number;
  turnId: string;
  /** The numbered events came as 1, 2, 3 ... without a gap or a repeat. */
  isGapless: boolean;
  lastSeq: number;
  /** Terminal events: 1 of a stream that was read to its end. */
  ends: number;
  end: WireEvent | null;
  /** It went on for two minutes without an end. */
  isHung: boolean;
}

/** A turn of a soak takes seconds: one that takes this long hangs. */
const LIMIT_MS = 120_000;

/**
 * Reads a stream to its end, or until `onEvent` says true. A server that closes it, and an abort, end it too: the facts
 * tell how far it came. `after` is the seq that was seen before. A stream that takes two minutes is given up.
 */
export async function readStream(
  url: string,
  init: RequestInit,
  onEvent: (event: WireEvent, facts: StreamFacts) => boolean = () => false,
  after = 0,
): Promise<StreamFacts> {
  const abort = new AbortController();
  const limit = AbortSignal.timeout(LIMIT_MS);
  const facts: StreamFacts = {
    status: 0,
    turnId: '',
    isGapless: true,
    lastSeq: after,
    ends: 0,
    end: null,
    isHung: false,
  };
  const signal = AbortSignal.any([abort.signal, limit]);
  const response = await fetch(url, { ...init, signal });
  facts.status = response.status;
  facts.turnId = response.headers.get('x-turn-id') ?? '';
  if (response.status !== 200) {
    await response.body?.cancel();
    return facts;
  }
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for await (const chunk of response.body!) {
      rest += decoder.decode(chunk as Uint8Array, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        if (!block.startsWith('data: ')) continue;
        const event = JSON.parse(block.slice(6)) as WireEvent;
        if (event.seq !== undefined) {
          if (event.seq !== facts.lastSeq + 1) facts.isGapless = false;
          facts.lastSeq = event.seq;
        }
        if (event.event === 'complete' || event.event === 'error') {
          facts.ends += 1;
          facts.end = event;
        }
        if (onEvent(event, facts)) {
          abort.abort();
          return facts;
        }
      }
    }
  } catch {
    // The connection broke; the facts say where.
    facts.isHung = limit.aborted;
  }
  return facts;
}
