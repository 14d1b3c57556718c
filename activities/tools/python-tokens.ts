/** Reads the listing of tokens of Ruff's parser: which keys of input_data a code uses, and how. */
import type { InputKey } from '../../domain/rules/python.ts';

interface Token {
  kind: string;
  text: string;
  /** Bytes of the code in UTF-8. */
  start: number;
  end: number;
}

/** A reading with a default has at most this many tokens in its default. */
const MAX_DEFAULT_TOKENS = 100;
/** Handlers of these exceptions catch a key that is not there. */
const CATCHES = ['KeyError', 'LookupError', 'Exception', 'BaseException'];

/** The tokens of a listing. Each of its lines has a kind and a range of bytes. */
export function readTokens(code: string, listing: string): Token[] {
  const bytes = Buffer.from(code);
  return [...listing.matchAll(/^\s*(\w+) (\d+)\.\.(\d+)/gm)]
    .map((match) => {
      const [start, end] = [Number(match[2]), Number(match[3])];
      return { kind: match[1]!, start, end, text: bytes.subarray(start, end).toString() };
    })
    .filter(({ kind }) => kind !== 'Comment' && kind !== 'NonLogicalNewline');
}

/** Keys in `input_data["name"]` and `input_data.get("name"`. */
export function findInputKeys(code: string, tokens: readonly Token[]): InputKey[] {
  const bytes = Buffer.from(code);
  const isChecked = findChecks(tokens);
  // Tokens come in order, so each position is counted from the one before.
  let counted = { byte: 0, unit: 0 };
  return tokens.flatMap((token, index) => {
    if (!isInputData(token)) return [];
    const isGet = tokens[index + 1]?.kind === 'Dot' && tokens[index + 2]?.text === 'get';
    const isCalled = isGet && tokens[index + 3]?.kind === 'Lpar';
    const at = isCalled ? index + 4 : tokens[index + 1]?.kind === 'Lsqb' ? index + 2 : tokens.length;
    const key = tokens[at];
    const name = key && readString(key);
    if (!key || name === null || name === undefined) return [];
    const unit = counted.unit + bytes.subarray(counted.byte, key.start).toString().length;
    counted = { byte: key.start, unit };
    const start = unit + 1;
    const isGuarded = isChecked(name) || (isCalled && hasDefault(tokens, at + 1));
    const keys = isCalled ? [] : readKeys(tokens, at + 2);
    return [{ name, start, end: start + name.length, keys, isGuarded }];
  });
}

function isInputData(token: Token | undefined): boolean {
  return token?.kind === 'Identifier' && token.text === 'input_data';
}

/** The text of a string without escapes; null for others. Nobody writes a block's name with a prefix or three quotes. */
function readString({ kind, text }: Token): string | null {
  return kind === 'String' ? (/^(["'])((?:(?!\1)[^\\\n])+)\1$/.exec(text)?.[2] ?? null) : null;
}

/** The literal keys `["a"]["b"]` from a position on. */
function readKeys(tokens: readonly Token[], from: number): string[] {
  const keys: string[] = [];
  for (let at = from; tokens[at]?.kind === 'Lsqb' && tokens[at + 2]?.kind === 'Rsqb'; at += 3) {
    const key = readString(tokens[at + 1]!);
    if (key === null) break;
    keys.push(key);
  }
  return keys;
}

/**
 * Whether `.get("name"` goes on so that a missing key does no harm. `from` is the token after the key. Without a default,
 * or with an empty one, a further key fails.
 */
function hasDefault(tokens: readonly Token[], from: number): boolean {
  let depth = 0;
  for (let at = from; at < Math.min(tokens.length, from + MAX_DEFAULT_TOKENS); at++) {
    const { kind } = tokens[at]!;
    if (kind === 'Rpar' && depth === 0) {
      const given = tokens.slice(from + 1, at).map(({ text }) => text);
      const isEmpty = ['', 'None', '{}', 'dict()'].includes(given.join(''));
      const isDotted =
        tokens[at + 1]?.kind === 'Dot' && given.join('') !== '{}' && given.join('') !== 'dict()';
      return !(isEmpty && (tokens[at + 1]?.kind === 'Lsqb' || isDotted));
    }
    if (kind === 'Lpar' || kind === 'Lsqb' || kind === 'Lbrace') depth += 1;
    if (kind === 'Rpar' || kind === 'Rsqb' || kind === 'Rbrace') depth -= 1;
  }
  return true;
}

/** Returns whether a code checks for a key: by `"name" in input_data`, or by a handler of KeyError. */
function findChecks(tokens: readonly Token[]): (name: string) => boolean {
  const names = new Set<string>();
  let isCaught = false;
  for (const [index, token] of tokens.entries()) {
    if (token.kind === 'In' && isInputData(tokens[index + 1])) {
      const before = tokens[index - 1]?.kind === 'Not' ? tokens[index - 2] : tokens[index - 1];
      const name = before ? readString(before) : null;
      if (name !== null) names.add(name);
    }
    if (token.kind === 'Except') isCaught ||= catchesKeys(tokens, index + 1);
  }
  return (name) => isCaught || names.has(name);
}

function catchesKeys(tokens: readonly Token[], from: number): boolean {
  if (tokens[from]?.kind === 'Colon') return true;
  for (let at = from; tokens[at] && tokens[at]!.kind !== 'Colon'; at++)
    if (CATCHES.includes(tokens[at]!.text)) return true;
  return false;
}

/** Whether the code uses `input` as a value or a call without binding that name itself. */
export function usesBuiltInInput(tokens: readonly Token[]): boolean {
  const uses = tokens.flatMap(({ kind, text }, index) =>
    kind === 'Identifier' && text === 'input' && tokens[index - 1]?.kind !== 'Dot' ? [index] : [],
  );
  const binds = uses.some((index) => {
    const [before, next] = [tokens[index - 1]?.kind, tokens[index + 1]?.kind];
    return next === 'Equal' || next === 'Colon' || before === 'For' || before === 'As' || before === 'Def';
  });
  return uses.length > 0 && !binds;
}
