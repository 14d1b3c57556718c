/**
 * Counts the tokens of a text for a model, with the model's published encoding if there is one. Otherwise the count is
 * estimated by the text's length and corrected by what the provider reported for earlier requests.
 */
import type { ModelSpec } from '../../models/models.ts';
import type { ModelMessage, ModelTool } from '../types.ts';

/** JSON has about three characters per token, English prose four. Of most other scripts, each character is a token. */
const CHARS_PER_TOKEN = 3;
/** The tokens of a message or a call beside its text. */
const FRAME_TOKENS = 8;
/**
 * Texts are encoded in pieces of this length, because the encoder's time grows with the square of a long run of letters.
 * The count is then at most about one per cent too high.
 */
const PIECE_CHARS = 512;
const CACHED_CHARS = 8_000_000;
/** Smaller requests are not learned from: their frames count for too much. */
const LEARN_FROM_TOKENS = 2_000;
const REMEMBERED_REPORTS = 20;
/** Reports outside these bounds are ignored as wrong: for example, some servers leave out cached tokens. */
const MIN_RATIO = 0.5;
const MAX_RATIO = 3;

/** The parts of a request that cost tokens. */
export interface CountedRequest {
  system: string;
  tools: readonly ModelTool[];
  messages: readonly ModelMessage[];
}

export type CountText = (text: string) => number;

export interface TokenCounter {
  /** The counting function of a model. Its encoding is loaded at the first use (130 ms). */
  forModel(spec: ModelSpec): Promise<CountText>;
  /** The factor by which estimates of this model are corrected; 1 for a model with an encoding. */
  ratioOf(spec: Pick<ModelSpec, 'id' | 'encoding'>): number;
  /** Corrects a model's estimates by the provider's report for a request. Models with an encoding need no correction. */
  learn(spec: ModelSpec, request: CountedRequest, reportedTokens: number): void;
}

/** Creates a counter that has learned nothing yet. */
export function createTokenCounter(): TokenCounter {
  const ratios = new Map<string, number[]>();
  // The highest of the newest ratios: an estimate that is too low costs a refused call, one too high only a shorter history.
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
      // Names of special tokens in the text are counted as plain text.
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

/** Estimates the tokens of a text, rather too many than too few. */
export function estimateTokens(text: string): number {
  let wide = 0;
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x2ff) wide += 1;
  return Math.ceil((text.length - wide) / CHARS_PER_TOKEN + wide);
}

/** The tokens of one message, its calls and its frame. */
export function countMessage(message: ModelMessage, count: CountText): number {
  const own = count(message.content) + FRAME_TOKENS;
  if (message.role !== 'assistant') return own;
  // Encrypted reasoning can't be encoded, but it is part of the input, so it is estimated.
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

/** An upper bound that is cheap to compute: a token has at least one byte. */
export function maxTokens({ system, tools, messages }: CountedRequest): number {
  return countRequest({ system, tools, messages }, (text) => Buffer.byteLength(text));
}
