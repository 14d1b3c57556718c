/**
 * The expressions of condition branches: a small grammar, read in linear time. It is lenient, since the engine's own is
 * not published: and, or, not (also &&, ||, !), comparisons, in, arithmetic, calls, members, literals, references.
 */
import { readReference } from './reference.ts';

export type Expression =
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'reference'; block: string; path: string }
  | { kind: 'name'; name: string }
  | { kind: 'unary'; operator: 'not' | '-'; operand: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'call'; callee: Expression; arguments: Expression[] }
  | { kind: 'member'; of: Expression; name: string }
  | { kind: 'index'; of: Expression; index: Expression }
  | { kind: 'list'; items: Expression[] };

export type ParsedExpression =
  | { ok: true; expression: Expression }
  /** `certain` for what no grammar of this kind takes: a bracket or a quote that is not closed. */
  | { ok: false; at: number; message: string; certain: boolean };

type Token =
  | { kind: 'number' | 'string' | 'name' | 'symbol'; text: string; at: number }
  | { kind: 'reference'; block: string; path: string; at: number };

const MAX_DEPTH = 100;
const SYMBOLS = ['===', '!==', '==', '!=', '<=', '>=', '<>', '&&', '||', '**', '//'];
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['null', null],
  ['None', null],
]);
/** Loosest first. The text operators stand beside their signs. */
const LEVELS: readonly (readonly string[])[] = [
  ['or', '||'],
  ['and', '&&'],
  ['==', '!=', '===', '!==', '<>', '<', '<=', '>', '>=', 'in', 'not in', 'is', 'is not', 'contains'],
  ['+', '-'],
  ['*', '/', '%', '//'],
];

class Fault extends Error {
  readonly at: number;
  readonly certain: boolean;

  constructor(at: number, message: string, certain: boolean) {
    super(message);
    this.at = at;
    this.certain = certain;
  }
}

/** Parses an expression. Never throws. */
export function parseExpression(text: string): ParsedExpression {
  try {
    const tokens = tokenize(text);
    if (tokens.length === 0) throw new Fault(0, 'it is empty', true);
    return { ok: true, expression: new Parser(tokens, text.length).parse() };
  } catch (error: unknown) {
    if (!(error instanceof Fault)) throw error;
    return { ok: false, at: error.at, message: error.message, certain: error.certain };
  }
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const open: { symbol: string; at: number }[] = [];
  let at = 0;
  while (at < text.length) {
    const char = text[at]!;
    if (/\s/.test(char)) {
      at += 1;
      continue;
    }
    const reference = char === '<' ? readReference(text, at) : null;
    if (reference) {
      tokens.push({ kind: 'reference', block: reference.name, path: reference.path, at });
      at = reference.end;
    } else if (char === '"' || char === "'") {
      const end = endOfString(text, at);
      tokens.push({ kind: 'string', text: text.slice(at + 1, end).replace(/\\(.)/gs, '$1'), at });
      at = end + 1;
    } else {
      const word = /^(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[\p{L}_$][\p{L}\p{N}_$]*)/u.exec(
        text.slice(at, at + 300),
      )?.[0];
      if (word !== undefined) {
        tokens.push({ kind: /^\d/.test(word) ? 'number' : 'name', text: word, at });
        at += word.length;
      } else {
        const symbol = SYMBOLS.find((sign) => text.startsWith(sign, at)) ?? char;
        if (!/^(?:[-+*/%<>=!&|.,()[\]]+)$/.test(symbol))
          throw new Fault(at, `${symbol} is not expected`, false);
        trackBracket(symbol, at, open);
        tokens.push({ kind: 'symbol', text: symbol, at });
        at += symbol.length;
      }
    }
  }
  if (open.length > 0) throw new Fault(open.at(-1)!.at, `${open.at(-1)!.symbol} is never closed`, true);
  return tokens;
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === text[start]) return at;
  }
  throw new Fault(start, 'a quote is never closed', true);
}

function trackBracket(symbol: string, at: number, open: { symbol: string; at: number }[]): void {
  if (symbol === '(' || symbol === '[') open.push({ symbol, at });
  else if (symbol === ')' || symbol === ']') {
    const last = open.pop();
    if (last?.symbol !== (symbol === ')' ? '(' : '[')) throw new Fault(at, `${symbol} closes nothing`, true);
  }
}

class Parser {
  private position = 0;
  private depth = 0;
  private readonly tokens: readonly Token[];
  private readonly length: number;

  constructor(tokens: readonly Token[], length: number) {
    this.tokens = tokens;
    this.length = length;
  }

  parse(): Expression {
    const expression = this.level(0);
    const rest = this.peek();
    if (rest) throw new Fault(rest.at, `${shown(rest)} is not expected`, false);
    return expression;
  }

  private level(index: number): Expression {
    const operators = LEVELS[index];
    if (!operators) return this.unary();
    let left = this.level(index + 1);
    for (;;) {
      const operator = this.takeOperator(operators);
      if (operator === null) return left;
      left = { kind: 'binary', operator, left, right: this.level(index + 1) };
    }
  }

  private takeOperator(operators: readonly string[]): string | null {
    const token = this.peek();
    if (!token || (token.kind !== 'symbol' && token.kind !== 'name')) return null;
    const next = this.tokens[this.position + 1];
    const two = next?.kind === 'name' ? `${token.text} ${next.text}` : '';
    for (const text of [two, token.text]) {
      if (!operators.includes(text)) continue;
      this.position += text === two ? 2 : 1;
      return text;
    }
    return null;
  }

  private unary(): Expression {
    const token = this.peek();
    const operator =
      token?.kind === 'name' && token.text === 'not'
        ? 'not'
        : token?.kind === 'symbol' && token.text === '!'
          ? 'not'
          : token?.kind === 'symbol' && token.text === '-'
            ? '-'
            : null;
    if (operator === null) return this.postfix();
    this.position += 1;
    // `not` binds looser than a comparison.
    const word = token!.kind === 'name';
    return this.deeper(() => ({ kind: 'unary', operator, operand: word ? this.level(2) : this.unary() }));
  }

  private postfix(): Expression {
    let expression = this.primary();
    for (;;) {
      const token = this.peek();
      if (token?.kind !== 'symbol') return expression;
      if (token.text === '.') {
        this.position += 1;
        const name = this.take();
        if (name.kind !== 'name') throw new Fault(name.at, `a name is expected, not ${shown(name)}`, false);
        expression = { kind: 'member', of: expression, name: name.text };
      } else if (token.text === '[') {
        this.position += 1;
        const of = expression;
        expression = { kind: 'index', of, index: this.deeper(() => this.level(0)) };
        this.expect(']');
      } else if (token.text === '(') {
        this.position += 1;
        expression = { kind: 'call', callee: expression, arguments: this.items(')') };
      } else return expression;
    }
  }

  private primary(): Expression {
    const token = this.take();
    switch (token.kind) {
      case 'reference':
        return { kind: 'reference', block: token.block, path: token.path };
      case 'number':
        return { kind: 'literal', value: Number(token.text) };
      case 'string':
        return { kind: 'literal', value: token.text };
      case 'name': {
        const constant = CONSTANTS.get(token.text);
        if (constant !== undefined) return { kind: 'literal', value: constant };
        return { kind: 'name', name: token.text };
      }
      case 'symbol':
        if (token.text === '(') {
          const inner = this.deeper(() => this.level(0));
          this.expect(')');
          return inner;
        }
        if (token.text === '[') return { kind: 'list', items: this.items(']') };
        throw new Fault(token.at, `${token.text} is not expected`, false);
    }
  }

  private items(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.takeSymbol(end)) {
      if (items.length > 0) this.expect(',');
      items.push(this.deeper(() => this.level(0)));
    }
    return items;
  }

  private deeper<T>(work: () => T): T {
    if (++this.depth > MAX_DEPTH) throw new Fault(this.peek()?.at ?? this.length, 'it nests too deep', false);
    const result = work();
    this.depth -= 1;
    return result;
  }

  private peek(): Token | undefined {
    return this.tokens[this.position];
  }

  private take(): Token {
    const token = this.peek();
    if (!token) throw new Fault(this.length, 'it ends too early', false);
    this.position += 1;
    return token;
  }

  private takeSymbol(text: string): boolean {
    const token = this.peek();
    if (token?.kind !== 'symbol' || token.text !== text) return false;
    this.position += 1;
    return true;
  }

  private expect(text: string): void {
    const token = this.peek();
    if (!this.takeSymbol(text))
      throw new Fault(
        token?.at ?? this.length,
        `${text} is expected${token ? `, not ${shown(token)}` : ''}`,
        false,
      );
  }
}

function shown(token: Token): string {
  return token.kind === 'reference' ? `<${token.block}.output${token.path}>` : token.text.slice(0, 40);
}

/** The text of an expression, with a bracket around every operation: parsing it gives the same expression. */
export function printExpression(expression: Expression): string {
  switch (expression.kind) {
    case 'literal':
      return typeof expression.value === 'string'
        ? `"${expression.value.replace(/[\\"]/g, '\\$&')}"`
        : String(expression.value);
    case 'reference':
      return `<${expression.block}.output${expression.path}>`;
    case 'name':
      return expression.name;
    case 'unary':
      return `(${expression.operator} ${printExpression(expression.operand)})`;
    case 'binary':
      return `(${printExpression(expression.left)} ${expression.operator} ${printExpression(expression.right)})`;
    case 'call':
      return `${printExpression(expression.callee)}(${expression.arguments.map(printExpression).join(', ')})`;
    case 'member':
      return `${printExpression(expression.of)}.${expression.name}`;
    case 'index':
      return `${printExpression(expression.of)}[${printExpression(expression.index)}]`;
    case 'list':
      return `[${expression.items.map(printExpression).join(', ')}]`;
  }
}
