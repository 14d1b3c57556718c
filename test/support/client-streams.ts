/** What the tests of the client's streams share: a turn in a few events, and a client on a scripted fetch. */
import {
  type ChatOptions,
  type CopilotClient,
  createCopilotClient,
  type TurnEvent,
} from '../../client/src/index.ts';
import type { FakeFetch } from './fake-fetch.ts';

export const SESSION = 'a0000000-0000-4000-8000-000000000001';
export const TURN = 'a0000000-0000-4000-8000-000000000002';
export const OTHER_TURN = 'a0000000-0000-4000-8000-000000000003';
export const X_TURN = { 'X-Turn-Id': TURN };
export const START = { event: 'start', seq: 1, turn_id: TURN };
export const delta = (seq: number) => ({ event: 'content_delta', seq, step: 1, delta: 'a' });
export const complete = (seq: number) => ({ event: 'complete', seq, content: 'ab', turn_id: TURN });

/** A client whose requests the fake answers. */
export function clientOf(
  fake: FakeFetch,
  getToken: (refused?: boolean) => string | Promise<string> = () => 'token',
): CopilotClient {
  return createCopilotClient({ baseUrl: 'http://service/', getToken, fetch: fake.fetch });
}

/** The stream of a message. */
export function chat(fake: FakeFetch, options: ChatOptions = {}): AsyncIterableIterator<TurnEvent> {
  return clientOf(fake).chat(SESSION, { message: 'hi' }, options);
}

/** All events up to the end of the iteration. */
export async function collect(events: AsyncIterable<TurnEvent>): Promise<TurnEvent[]> {
  const seen: TurnEvent[] = [];
  for await (const event of events) seen.push(event);
  return seen;
}

export const seqs = (events: TurnEvent[]) => events.map(({ seq }) => seq);
