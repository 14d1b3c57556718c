/**
 * Keeps a conversation inside a model's context window: old tool results are shortened first, then old history is left
 * out. The session's first message, the user's message of this turn, the canvas and the newest step always stay.
 */
import { type CountText, countMessage } from './count-tokens.ts';
import type { ModelMessage } from '../types.ts';

/** The share of the window that a request may take. The rest is for the answer and for errors of the count. */
export const CONTEXT_SHARE = 0.7;
/** The characters that a shortened text keeps of its head and tail. The lengths are tried one after another. */
const KEPT_CHARS = [2_000, 600, 200];
/** Results are shortened in groups, so that the requests of the next steps have the same beginning. */
const GROUP = 4;

export interface FittedContext {
  messages: ModelMessage[];
  /** False when the messages are still too long and nothing more may be left out. */
  fits: boolean;
}

/**
 * Shortens the messages until they fit `budgetTokens`. `turnStart` is the index of the turn's first message (the canvas).
 * The messages before it are history, which is left out only with `dropHistory`. No message of the turn is left out, so
 * every call keeps a result.
 */
export function fitContext(
  messages: readonly ModelMessage[],
  options: { budgetTokens: number; turnStart: number; dropHistory: boolean; count: CountText },
): FittedContext {
  const { budgetTokens, turnStart, dropHistory, count } = options;
  const short = [...messages];
  const sizes = short.map((message) => countMessage(message, count));
  let total = sizes.reduce((sum, size) => sum + size, 0);
  const resize = (at: number, message: ModelMessage): void => {
    const size = countMessage(message, count);
    total += size - sizes[at]!;
    sizes[at] = size;
    short[at] = message;
  };
  const lastAnswer = messages.findLastIndex((message) => message.role === 'assistant');
  for (const keep of KEPT_CHARS) {
    // Oldest first: the model is working with the newest results.
    let results = 0;
    for (let at = turnStart; at < lastAnswer; at++) {
      const message = short[at]!;
      if (message.role !== 'tool') continue;
      if (total <= budgetTokens && results % GROUP === 0) break;
      results += 1;
      resize(at, { ...message, content: shortenText(message.content, keep) });
    }
  }
  let from = 1;
  for (; dropHistory && from < turnStart && total > budgetTokens; from++) total -= sizes[from]!;
  return {
    messages: from === 1 ? short : [short[0]!, ...short.slice(from)],
    fits: total <= budgetTokens,
  };
}

/** Shortens history for a summary: long messages keep head and tail, then the oldest except the first are left out. */
export function fitHistory(
  messages: readonly ModelMessage[],
  options: { budgetTokens: number; count: CountText },
): ModelMessage[] {
  const { budgetTokens, count } = options;
  const sizeOf = (list: readonly ModelMessage[]): number =>
    list.reduce((sum, message) => sum + countMessage(message, count), 0);
  let short = [...messages];
  for (const keep of KEPT_CHARS) {
    if (sizeOf(short) <= budgetTokens) return short;
    short = short.map((message) => ({ ...message, content: shortenText(message.content, keep) }));
  }
  while (short.length > 2 && sizeOf(short) > budgetTokens) short.splice(1, Math.ceil(short.length / 8));
  return short;
}

/** The fence around a result, its first and last line, stays. */
function shortenText(content: string, keep: number): string {
  if (content.length <= keep * 1.2 + 100) return content;
  const head = Math.ceil((keep * 2) / 3);
  const tail = keep - head;
  const left = content.length - keep;
  return `${content.slice(0, head)}\n... [${left} characters left out] ...\n${content.slice(content.length - tail)}`.toWellFormed();
}
