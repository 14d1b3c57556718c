/** Events of a turn, for tests of what is made of them. */
import { foldEvents, initialTurnView, type TurnEvent, type TurnView } from '../../client/src/index.ts';

export const USAGE = {
  calls: 1,
  input_tokens: 10,
  cached_tokens: 0,
  output_tokens: 5,
  reasoning_tokens: 0,
  cost_usd: '0.0001',
};
/** The view after the events. */
export const fold = (events: readonly TurnEvent[], view: TurnView = initialTurnView()): TurnView =>
  events.reduce(foldEvents, view);

/** Numbers the events that have a number, from 1. */
export function numbered(events: readonly Unnumbered[]): TurnEvent[] {
  let seq = 0;
  return events.map((event) => ('live' in event ? event.live : { ...event, seq: ++seq }));
}

export type Unnumbered = DistributiveOmit<TurnEvent, 'seq'> | { live: TurnEvent };
type DistributiveOmit<T, K extends string> = T extends unknown ? Omit<T, K> : never;

export const START: Unnumbered = {
  event: 'start',
  turn_id: 'turn',
  session_id: 'session',
  user_message_id: 'question',
  message_id: 'answer',
  model: 'demo',
};
export const complete = (content: string): Unnumbered => ({
  event: 'complete',
  message_id: 'answer',
  turn_id: 'turn',
  content,
  workflow_diff: { remove_blocks: ['a'] },
  stop_reason: 'done',
  usage: USAGE,
});
