/** Reads an event stream and keeps only the facts that a soak checks, not the events. */
import type { WireEvent } from '../support/cluster-client.ts';

export interface StreamFacts {
  status: number;
  turnId: string;
  /** Whether the seqs were 1, 2, 3 ... without a gap or a repeat. */
  isGapless: boolean;
  lastSeq: number;
  /** The number of terminal events: 1 when the stream was read to its end. */
  ends: number;
  end: WireEvent | null;
  /** Whether the stream had no end within LIMIT_MS. */
  isHung: boolean;
}

/** A turn of a soak takes seconds. A turn that takes this long hangs. */
const LIMIT_MS = 120_000;

/**
 * Reads a stream until it ends, `onEvent` returns true, the server closes it, or LIMIT_MS is over. The facts say how far the
 * stream came. `after` is the last seq that was seen before.
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
    // The connection broke, or the time was over. The facts say where.
    facts.isHung = limit.aborted;
  }
  return facts;
}
