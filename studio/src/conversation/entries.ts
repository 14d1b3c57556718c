/** What the conversation shows, in order: the stored messages and the running turn, each once. Pure. */
import type { Message, TurnView } from '../../../client/src/index.ts';

export type Entry =
  | { kind: 'user'; key: string; text: string; message: Message | null }
  | { kind: 'answer'; key: string; message: Message | null; view: TurnView | null };

interface Shown {
  messages: readonly Message[];
  turn: TurnView | null;
  turnId: string | null;
  turnMessage: string | null;
}

/**
 * A message stands where the service put it; of the running turn, what is not stored yet follows at the end. An entry keeps
 * its key from the moment that its turn is known.
 */
export function toEntries({ messages, turn, turnId, turnMessage }: Shown): Entry[] {
  const entries = messages.map((message): Entry => {
    const key = keyOf(message.role, message.turn_id ?? message.id);
    if (message.role === 'user') return { kind: 'user', key, text: message.content, message };
    return { kind: 'answer', key, message, view: message.turn_id === turnId ? turn : null };
  });
  if (turnId === null) return entries;
  const keys = new Set(entries.map(({ key }) => key));
  const [own, answer] = [keyOf('user', turnId), keyOf('assistant', turnId)];
  if (!keys.has(own) && turnMessage !== null)
    entries.push({ kind: 'user', key: own, text: turnMessage, message: null });
  if (!keys.has(answer)) entries.push({ kind: 'answer', key: answer, message: null, view: turn });
  return entries;
}

function keyOf(role: Message['role'], id: string): string {
  return `${role} ${id}`;
}
