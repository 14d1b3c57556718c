/** Renders events for the stream (docs/protocol.md): a block with one `data:` line, then a block with the id. */
import type { StoredEvent } from '../../db/events/turn-event-pages.ts';

// JSON allows these characters unescaped, but Python's str.splitlines and others end a line at them. They are written as
// escapes here, so that no editor or formatter inserts the characters themselves.
const LINE_BREAKS = /[\u0085\u2028\u2029]/g;

/** Sent once, at the start: the client reconnects after a second. */
export const RETRY_BLOCK = 'retry: 1000\n\n';
/** A ping, so that proxies and clients do not close a silent stream. */
export const PING_BLOCK = ': ping\n\n';

/** A stored event with its id block. The payload is sent as it was stored, without being parsed. */
export function renderEvent({ seq, event, payload }: StoredEvent): string {
  return `data: {"event":"${event}","seq":${seq}${toRest(payload)}\n\nid: ${seq}\n\n`;
}

/** An event that is not stored. It has no seq and no id block. */
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
