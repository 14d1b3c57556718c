/** What the conversation shows, in order: the stored messages and the running turn, each once. Pure. */
import type { Message, TurnView } from '../../../client/src/index.ts';

export type Entry =
  | { kind: 'user'; key: string; text: string; message: Message | null }
  | { kind: 'answer'; key: string; message: Message | null; view: TurnView | null };

interface Shown {
  messages: readonly Message[];
  turn: TurnView | null;
  turnMessage: string | null;
}

/** A message stands where the service put it; of the running turn, what is not stored yet follows at the end. */
export function toEntries({ messages, turn, turnMessage }: Shown): Entry[] {
  const entries = messages.map((message): Entry => {
    if (message.role === 'user') return { kind: 'user', key: message.id, text: message.content, message };
    const view = turn !== null && message.id === turn.messageId ? turn : null;
    return { kind: 'answer', key: message.id, message, view };
  });
  if (!turn?.turnId || !turn.messageId) return entries;
  const keys = new Set(messages.map(({ id }) => id));
  if (turn.userMessageId !== null && !keys.has(turn.userMessageId) && turnMessage !== null)
    entries.push({ kind: 'user', key: turn.userMessageId, text: turnMessage, message: null });
  if (!keys.has(turn.messageId))
    entries.push({ kind: 'answer', key: turn.messageId, message: null, view: turn });
  return entries;
}
