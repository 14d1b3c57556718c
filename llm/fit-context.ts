/**
 * Keeps a conversation inside a model's context window: old tool results are shortened first, then old history is left
 * out. What the user said in this turn, the canvas and the newest step always stay.
 */
import type { ModelMessage } from './types.ts';

/** Of the window, what a request may take: the rest is for the answer and for what the estimate gets wrong. */
export const CONTEXT_SHARE = 0.7;
/** Heads and tails of shortened results, tried one after another. */
const KEPT_CHARS = [2_000, 600, 200];
/** English prose has four characters a token and JSON about three; other scripts have fewer. */
const CHARS_PER_TOKEN = 3;
const MESSAGE_TOKENS = 8;

/** About how many tokens a text is; rather too many than too few. */
export function estimateTokens(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x2ff) wide += 1;
  return Math.ceil((text.length - wide) / CHARS_PER_TOKEN + wide);
}

function tokensOf(message: ModelMessage): number {
  const calls = message.role === 'assistant' ? message.toolCalls : [];
  return calls.reduce(
    (sum, call) => sum + estimateTokens(call.name + call.arguments) + MESSAGE_TOKENS,
    estimateTokens(message.content) + MESSAGE_TOKENS,
  );
}

/** About how many tokens a conversation is. */
export function estimateMessages(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, message) => sum + tokensOf(message), 0);
}

/**
 * The messages, shortened only as far as `budgetTokens` asks. `turnStart` is the index of the turn's first message (the
 * canvas); what stands before it is history. Calls keep their results, and no message of the turn goes.
 */
export function fitContext(
  messages: readonly ModelMessage[],
  options: { budgetTokens: number; turnStart: number },
): ModelMessage[] {
  const { budgetTokens, turnStart } = options;
  const fits = (list: readonly ModelMessage[]): boolean => estimateMessages(list) <= budgetTokens;
  if (fits(messages)) return [...messages];
  const lastAnswer = messages.findLastIndex((message) => message.role === 'assistant');
  let short = [...messages];
  for (const keep of KEPT_CHARS) {
    // Oldest first: what is still whole is what the model is at work with.
    for (let at = turnStart; at < lastAnswer && !fits(short); at++) {
      const message = short[at]!;
      if (message.role === 'tool') short[at] = { ...message, content: shorten(message.content, keep) };
    }
  }
  for (let from = 1; from <= turnStart && !fits(short); from++) {
    short = messages.slice(from, turnStart).concat(short.slice(short.length - (messages.length - turnStart)));
  }
  return short;
}

/** The fence around a result, its first and last line, stays. */
function shorten(content: string, keep: number): string {
  if (content.length <= keep * 1.2 + 100) return content;
  const head = Math.ceil((keep * 2) / 3);
  const tail = keep - head;
  const left = content.length - keep;
  return `${content.slice(0, head)}\n... [${left} characters left out: call the tool again if they matter] ...\n${content.slice(content.length - tail)}`.toWellFormed();
}
