/** Splits the text of a condition into tokens, and finds words and signs of other languages with their corrections. */
import { readReference } from './reference.ts';

export type Token =
  | { kind: 'number' | 'string' | 'name' | 'symbol'; text: string; at: number; end: number }
  | { kind: 'reference'; block: string; path: string; at: number; end: number };

/** A replacement in the text of an expression. */
export interface Fix {
  start: number;
  end: number;
  text: string;
}

/** What is wrong at one place of an expression. `fixes` may correct it; the most probable one is first. */
export class ExpressionFault extends Error {
  readonly at: number;
  readonly fixes: readonly Fix[];

  constructor(at: number, message: string, fixes: readonly Fix[] = []) {
    super(message);
    this.at = at;
    this.fixes = fixes;
  }
}

/** More words and signs than this are refused, so that work on an expression may recurse. */
const MAX_TOKENS = 1_000;

const SYMBOL = /==|!=|<=|>=|\/\/|[-+*/%<>.,()[\]]/y;
const WORD = /\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[\p{L}_][\p{L}\p{N}_]*/uy;
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
]);
const KEYWORDS = ['and', 'or', 'not', 'in', 'contains'];

/** Signs of other languages, longest first, and what they are here. */
const FOREIGN_SIGNS: readonly (readonly [sign: string, here: string])[] = [
  ['===', '=='],
  ['!==', '!='],
  ['<>', '!='],
  ['=>', '>='],
  ['=<', '<='],
  ['&&', 'and'],
  ['||', 'or'],
  ['&', 'and'],
  ['|', 'or'],
  ['≥', '>='],
  ['≤', '<='],
  ['≠', '!='],
];
/** Words of other languages and of English, longest first, and what they are here. */
const FOREIGN_WORDS: readonly (readonly [words: RegExp, here: string])[] = [
  [/(?:is )?(?:greater|more|larger|higher) than or equal to\b|is at least\b/iy, '>='],
  [/(?:is )?(?:less|smaller|lower|fewer) than or equal to\b|is at most\b/iy, '<='],
  [/(?:is )?(?:greater|more|larger|higher) than\b/iy, '>'],
  [/(?:is )?(?:less|smaller|lower|fewer) than\b/iy, '<'],
  [/(?:is )?not equal to\b|does not equal\b/iy, '!='],
  [/is equal to\b|equals\b|eq\b/iy, '=='],
  [/is not empty\b/iy, '!= ""'],
  [/is empty\b/iy, '== ""'],
  [/is not in\b/iy, 'not in'],
  [/is in\b/iy, 'in'],
  [/is not\b/iy, '!='],
  [/is\b/iy, '=='],
  [/undefined\b|nil\b/iy, 'null'],
];
const EXACT = new Set(['and', 'or', 'not', 'in', 'true', 'false', 'null', 'True', 'False', 'None']);
const OTHER_CASE = /(?:and|or|not|in|true|false|null|none)\b/iy;
/** Statements of other languages around an expression. */
const FOREIGN_START = /(?:if|elif|else if|when|return)\b\s*/iy;
const BRACES = /\$?\{{1,2}([^{}\n]{0,300})\}{1,2}/y;
const BROKEN_REFERENCE = /<([\p{L}\p{N}_ -]{1,255})((?:[.[][^<>\n]{0,255})?)>/uy;
const QUOTES: ReadonlyMap<string, string> = new Map([
  ['“', '”'],
  ['„', '“'],
  ['”', '”'],
  ['‘', '’'],
  ['’', '’'],
  ['`', '`'],
]);

/** Whether a word joins parts of an expression. */
export function isKeyword(word: string): boolean {
  return KEYWORDS.includes(word);
}

/** The tokens of a text. Throws an ExpressionFault at the first place that cannot be right. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const open: { symbol: string; at: number }[] = [];
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at += 1;
      continue;
    }
    const token = readToken(text, at, tokens);
    if (token.kind === 'symbol') trackBracket(token.text, at, open);
    tokens.push(token);
    if (tokens.length > MAX_TOKENS)
      throw new ExpressionFault(at, `it has more than ${MAX_TOKENS} words and signs`);
    at = token.end;
  }
  if (open.length > 0) throw unclosed(text, open);
  return tokens;
}

function readToken(text: string, at: number, before: readonly Token[]): Token {
  const char = text[at]!;
  if (char === '<') {
    const reference = readReference(text, at);
    if (reference) {
      const { name: block, path, end } = reference;
      return { kind: 'reference', block, path, at, end };
    }
    if (!endsOperand(before.at(-1))) refuseBrokenReference(text, at);
  }
  if (char === '"' || char === "'") {
    const end = endOfString(text, at);
    const inside = text.slice(at + 1, end);
    const plain = inside.replace(/\\(.)/gs, (_, escaped: string) => ESCAPES.get(escaped) ?? escaped);
    return { kind: 'string', text: plain, at, end: end + 1 };
  }
  const word = matchAt(WORD, text, at);
  if (word !== null) {
    if (!/^\d/.test(word)) refuseForeignWord(text, at, word, before.length === 0);
    return { kind: /^\d/.test(word) ? 'number' : 'name', text: word, at, end: at + word.length };
  }
  refuseForeignSign(text, at);
  const symbol = matchAt(SYMBOL, text, at);
  if (symbol === null) throw new ExpressionFault(at, `${shownChar(text, at)} is not part of the language`);
  return { kind: 'symbol', text: symbol, at, end: at + symbol.length };
}

/** Whether an operator must follow. There, `<` compares and begins no reference. */
function endsOperand(token: Token | undefined): boolean {
  if (!token) return false;
  if (token.kind === 'symbol') return token.text === ')' || token.text === ']';
  return token.kind !== 'name' || !isKeyword(token.text);
}

function refuseBrokenReference(text: string, at: number): void {
  BROKEN_REFERENCE.lastIndex = at;
  const match = BROKEN_REFERENCE.exec(text);
  if (!match) return;
  const end = at + match[0].length;
  throw new ExpressionFault(at, `${match[0].slice(0, 80)} lacks .output`, [
    { start: at, end, text: toReference(match[1]!, match[2]!) },
  ]);
}

/** A reference to a block's output, or to the part of that output that a path names. */
export function toReference(name: string, path: string): string {
  const rest = path.trim().replace(/^\.output(?![\p{L}\p{N}_])/u, '');
  return `<${name.trim()}.output${rest}>`;
}

function refuseForeignWord(text: string, at: number, word: string, isFirst: boolean): void {
  const wrong = (found: string, here: string): never => {
    const shown = found.trim();
    const message = here === '' ? `${shown} is not part of an expression` : `${shown} is written ${here}`;
    throw new ExpressionFault(at, message, [{ start: at, end: at + found.length, text: here }]);
  };
  const start = isFirst ? matchAt(FOREIGN_START, text, at) : null;
  if (start !== null) wrong(start, '');
  if (EXACT.has(word)) return;
  const other = matchAt(OTHER_CASE, text, at);
  if (other === word) wrong(word, word.toLowerCase() === 'none' ? 'null' : word.toLowerCase());
  for (const [words, here] of FOREIGN_WORDS) {
    const found = matchAt(words, text, at);
    if (found !== null && found.length >= word.length) wrong(found, here);
  }
}

function refuseForeignSign(text: string, at: number): void {
  const fail = (message: string, end: number, here: string): never => {
    throw new ExpressionFault(at, message, [{ start: at, end, text: here }]);
  };
  const char = text[at]!;
  const isAssigned = char === '=' && readReference(text, at + 1) !== null;
  for (const [sign, here] of FOREIGN_SIGNS)
    if (text.startsWith(sign, at) && !isAssigned)
      fail(`${sign} is written ${here}`, at + sign.length, ` ${here} `);
  if (char === '=' && text[at + 1] !== '=') fail('= is written ==', at + 1, ' == ');
  if (char === '!' && text[at + 1] !== '=') fail('! is written not', at + 1, 'not ');
  if (char === ';' || char === ':') {
    const fixes = text.slice(at + 1).trim() === '' ? [{ start: at, end: at + 1, text: '' }] : [];
    throw new ExpressionFault(at, `${char} is not part of the language`, fixes);
  }
  const closing = QUOTES.get(char);
  if (closing !== undefined) {
    const end = text.indexOf(closing, at + 1);
    const inside = text.slice(at + 1, end);
    if (end >= 0 && !inside.includes('"')) fail(`${char} is no quote here`, end + 1, `"${inside}"`);
    fail(`${char} is no quote here`, at + 1, '"');
  }
  BRACES.lastIndex = at;
  const braces = BRACES.exec(text);
  if (braces) {
    const inside = braces[1]!.trim();
    const dotted = /^([\p{L}\p{N}_ -]+)(\..+)$/u.exec(inside);
    const here = dotted && !inside.includes('<') ? toReference(dotted[1]!, dotted[2]!) : inside;
    fail(`${braces[0].slice(0, 80)} is no reference`, at + braces[0].length, here);
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === text[start]) return at;
  }
  const quote = text[start]!;
  const end = text.trimEnd().length;
  const last = text[end - 1]!;
  const other = quote === '"' ? "'" : '"';
  throw new ExpressionFault(start, 'a quote is never closed', [
    ...(last === other && end - 1 > start ? [{ start: end - 1, end, text: quote }] : []),
    { start: end, end, text: quote },
    { start, end: start + 1, text: '' },
  ]);
}

function trackBracket(symbol: string, at: number, open: { symbol: string; at: number }[]): void {
  if (symbol === '(' || symbol === '[') open.push({ symbol, at });
  else if (symbol === ')' || symbol === ']') {
    const last = open.pop();
    if (last?.symbol !== (symbol === ')' ? '(' : '['))
      throw new ExpressionFault(at, `${symbol} closes nothing`, [{ start: at, end: at + 1, text: '' }]);
  }
}

function unclosed(text: string, open: readonly { symbol: string; at: number }[]): ExpressionFault {
  const last = open.at(-1)!;
  const close = last.symbol === '(' ? ')' : ']';
  return new ExpressionFault(last.at, `${last.symbol} is never closed`, [
    { start: text.length, end: text.length, text: close },
    { start: last.at, end: last.at + 1, text: '' },
  ]);
}

function matchAt(pattern: RegExp, text: string, at: number): string | null {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0] ?? null;
}

function shownChar(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at)!);
}
