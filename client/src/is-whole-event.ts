import { isRecord } from './errors.ts';
import type { TurnEvent } from './types.ts';

type Kind = 'string' | 'number' | 'boolean' | 'object' | 'text or object' | 'anything';
/** An end of a turn is one whatever it lacks. */
type Checked = Exclude<TurnEvent, { event: 'complete' | 'error' }>;

/** What a view takes from an event, by the event's name. */
const NEEDED: { [Name in Checked['event']]: Readonly<Record<string, Kind>> } = {
  start: {
    turn_id: 'string',
    session_id: 'string',
    user_message_id: 'string',
    message_id: 'string',
    model: 'string',
  },
  status: { message: 'string' },
  reasoning_delta: { step: 'number', delta: 'string' },
  content_delta: { delta: 'string' },
  content_reset: { step: 'number', content: 'string' },
  tool_call: { call_id: 'string', name: 'string', step: 'number', arguments: 'text or object' },
  tool_result: { call_id: 'string', result: 'string', is_error: 'boolean', truncated: 'boolean' },
  confirmation_required: {
    call_id: 'string',
    name: 'string',
    arguments: 'object',
    summary: 'string',
    before: 'anything',
    after: 'anything',
    expires_at: 'string',
  },
  confirmation_resolved: { call_id: 'string', decision: 'string' },
};

/**
 * Whether an event is of a known kind and has what a view takes from it. The types promise that, but a stream is only bytes.
 */
export function isWhole(event: Checked): boolean {
  if (!Object.hasOwn(NEEDED, event.event)) return false;
  const values: Readonly<Record<string, unknown>> = { ...event };
  return Object.entries(NEEDED[event.event]).every(([name, kind]) => isOfKind(values[name], kind));
}

function isOfKind(value: unknown, kind: Kind): boolean {
  switch (kind) {
    case 'anything':
      return value !== undefined;
    case 'object':
      return isRecord(value);
    case 'text or object':
      return isOfKind(value, 'string') || isOfKind(value, 'object');
    default:
      return typeof value === kind;
  }
}
