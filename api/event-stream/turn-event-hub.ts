import type { ServerResponse } from 'node:http';

/** Serves the event streams of all turns that somebody watches through this process. */
export interface TurnEventHub {
  /**
   * Streams a turn's events with a seq above `afterSeq`, then closes. Takes the response over: headers must be set,
   * nothing written yet. Returns at once; a client that goes away releases everything.
   */
  stream(response: ServerResponse, turnId: string, afterSeq: number): void;
  /** Ends all streams and waits until nothing of the hub is left. */
  close(): Promise<void>;
}
