/** The bytes of an event on the wire (docs/protocol.md): one block of one `data:` line, then a block with the id. */
import type { StoredEvent } from '../../db/events/turn-event-pages.ts';

// JSON allows these raw; Python's str.splitlines and others end a line at them. Written as escapes, so that no editor
// or formatter turns them into the characters themselves.
const LINE_BREAKS = /[\u0085\u2028\u2029]/g;

/** Told to the client once, at the start: reconnect after a second. */
export const RETRY_BLOCK = 'retry: 1000\n\n';
/** Keeps proxies and clients from giving up on a silent stream. */
export const PING_BLOCK = ': ping\n\n';

/** A stored event with its id block. The payload goes out as it was stored; it is not parsed again. */
export function renderEvent({ seq, event, payload }: StoredEvent): string {
  return `data: {"event":"${event}","seq":${seq}${toRest(payload)}\n\nid: ${seq}\n\n`;
}

/** An event that is not stored: no seq, no id block. */
export function renderLiveEvent(event: string, payload: Record<string, unknown>): string {
  return `data: {"event":"${event}"${toRest(JSON.stringify(payload))}\n\n`;
}

/** `{"a":1}` becomes `,"a":1}`, `{}` becomes `}`. */
function toRest(payload: string): string {
  const rest = payload.slice(payload.indexOf('{') + 1).trimStart();
  return (rest.startsWith('}') ? rest : `,${rest}`).replace(
    LINE_BREAKS,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
