/**
 * How many tokens a text is for a model: counted with its published encoding, else estimated by its length and
 * corrected by what the provider reported for earlier requests.
 */
import type { ModelSpec } from '../../models/models.ts';
import type { ModelMessage, ModelTool } from '../types.ts';

/** JSON has about three characters a token, English prose four; a character of most other scripts is a token. */
const CHARS_PER_TOKEN = 3;
/** What a message or a call costs beside its text. */
const FRAME_TOKENS = 8;
/** A long run of letters takes an encoder time that grows with its square. Cut so, a count is about a hundredth too high at most. */
const PIECE_CHARS = 512;
const CACHED_CHARS = 8_000_000;
/** Reports of smaller requests say more about frames than about text. */
const LEARN_FROM_TOKENS = 2_000;
const REMEMBERED_REPORTS = 20;
/** What is reported beyond these is no count of the request: some servers leave out what they had cached. */
const MIN_RATIO = 0.5;
const MAX_RATIO = 3;

/** What a request holds, as far as it counts. */
export interface CountedRequest {
  system: string;
  tools: readonly ModelTool[];
  messages: readonly ModelMessage[];
}

export type CountText = (text: string) => number;

export interface TokenCounter {
  /** The counting function of a model. Its encoding is loaded at the first use (130 ms). */
  forModel(spec: ModelSpec): Promise<CountText>;
  /** By how much estimates of this model are to be corrected; 1 for one that has an encoding. */
  ratioOf(spec: Pick<ModelSpec, 'id' | 'encoding'>): number;
  /** Corrects a model's estimates: what a request really was, by the provider's report. Encoded ones need none. */
  learn(spec: ModelSpec, request: CountedRequest, reportedTokens: number): void;
}

/** Creates a counter that has learned nothing yet. */
export function createTokenCounter(): TokenCounter {
  const ratios = new Map<string, number[]>();
  // The highest of the newest: a conversation that turns out too long costs more than one that is cut early.
  const ratioOf: TokenCounter['ratioOf'] = ({ id }) => Math.max(...(ratios.get(id) ?? [1]));
  return {
    ratioOf,
    forModel: (spec) => countWith(spec.encoding, ratioOf(spec)),
    learn(spec, request, reportedTokens) {
      if (spec.encoding !== null) return;
      const estimated = countRequest(request, estimateTokens);
      const ratio = reportedTokens / estimated;
      if (estimated < LEARN_FROM_TOKENS || ratio < MIN_RATIO || ratio > MAX_RATIO) return;
      ratios.set(spec.id, [...(ratios.get(spec.id) ?? []), ratio].slice(-REMEMBERED_REPORTS));
    },
  };
}

let encoder: Promise<CountText> | null = null;

/** The counting function of an encoding; without one, estimates times `ratio`. Loads the encoding at its first use. */
export async function countWith(encoding: ModelSpec['encoding'], ratio: number): Promise<CountText> {
  if (encoding !== null) return (encoder ??= loadEncoder());
  return (text) => Math.ceil(estimateTokens(text) * ratio);
}

async function loadEncoder(): Promise<CountText> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  const known = new Map<string, number>();
  let chars = 0;
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    let tokens = 0;
    for (let at = 0; at < text.length; at += PIECE_CHARS)
      // Names of special tokens are text like any other.
      tokens += countTokens(text.slice(at, at + PIECE_CHARS), { disallowedSpecial: new Set() });
    chars += text.length;
    if (chars > CACHED_CHARS) {
      known.clear();
      chars = text.length;
    }
    known.set(text, tokens);
    return tokens;
  };
}

/** About how many tokens a text is; rather too many than too few. */
export function estimateTokens(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x2ff) wide += 1;
  return Math.ceil((text.length - wide) / CHARS_PER_TOKEN + wide);
}

/** The tokens of one message, its calls and its frame. */
export function countMessage(message: ModelMessage, count: CountText): number {
  const own = count(message.content) + FRAME_TOKENS;
  if (message.role !== 'assistant') return own;
  // Encrypted reasoning is no text to count, but it is input all the same.
  const thought = message.opaque ? estimateTokens(JSON.stringify(message.opaque.items)) : 0;
  return message.toolCalls.reduce(
    (sum, call) => sum + count(call.name) + count(call.arguments) + FRAME_TOKENS,
    own + thought,
  );
}

/** The tokens of a whole request. */
export function countRequest({ system, tools, messages }: CountedRequest, count: CountText): number {
  return messages.reduce(
    (sum, message) => sum + countMessage(message, count),
    count(system) + (tools.length > 0 ? count(JSON.stringify(tools)) : 0),
  );
}

/** An upper bound that costs next to nothing: a token is a byte at least. */
export function maxTokens({ system, tools, messages }: CountedRequest): number {
  return countRequest({ system, tools, messages }, (text) => Buffer.byteLength(text));
}
