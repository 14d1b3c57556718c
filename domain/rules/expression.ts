/**
 * The language of conditions: what an expression of a branch may say. The platform's engine is not published. This is the
 * part that engines of this kind agree on, and everything else is refused at the edit.
 *
 * - Values: `<Block.output>` and `<Block.output.field>`, numbers, "text" or 'text', true, false, null, lists: ["a", "b"].
 *   True, False and None are read as true, false and null.
 * - Comparison: ==, !=, <, <=, >, >=, in, not in. "5" == 5 is false: text and numbers are never equal.
 * - Logic: and, or, not, and round brackets. Each side of `and` and `or` is a comparison of its own.
 * - Arithmetic: +, -, *, /, // and %.
 * - Functions: len(x), str(x), int(x), float(x), bool(x), abs(x), round(x), min(a, b), max(a, b).
 * - Parts: <A.output.items>[0], <A.output>["a key"], <A.output>.get("field", "default") for a field that may be missing.
 * - Methods of text: lower(), upper(), strip(), startswith("a"), endswith("a").
 *
 * Examples: `<Check.output.score> > 5 and <Start.output.kind> == "new"`, `<Start.output.vip> == true`,
 * `<Ask.output>.lower() in ["yes", "ok"]`, `<Load.output>.get("total", 0) >= 100`, `"refund" in <Start.output.text>`.
 */
import { ExpressionFault, type Fix, isKeyword, type Token, tokenize } from './expression-tokens.ts';

/** A part of an expression, with its place in the text. */
export type Expression = { start: number; end: number } & (
  | { kind: 'literal'; value: string | number | boolean | null }
  | { kind: 'reference'; block: string; path: string }
  /** A bare word, or several words beside each other. Only a function that is called may be one. */
  | { kind: 'name'; name: string }
  | { kind: 'unary'; operator: 'not' | '-'; operand: Expression }
  | { kind: 'binary'; operator: string; left: Expression; right: Expression }
  | { kind: 'call'; callee: Expression; arguments: readonly Expression[] }
  | { kind: 'member'; of: Expression; name: string }
  | { kind: 'index'; of: Expression; index: Expression }
  | { kind: 'list'; items: readonly Expression[] }
);

export type ParsedExpression =
  | { ok: true; expression: Expression }
  | { ok: false; at: number; message: string; fixes: readonly Fix[] };

const MAX_DEPTH = 100;
const CONSTANTS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['True', true],
  ['false', false],
  ['False', false],
  ['null', null],
  ['None', null],
]);
/** Loosest first. */
const LEVELS: readonly (readonly string[])[] = [
  ['or'],
  ['and'],
  ['==', '!=', '<', '<=', '>', '>=', 'in', 'not in', 'contains', 'not contains'],
  ['+', '-'],
  ['*', '/', '%', '//'],
];
const COMPARISONS = 2;

/** Parses an expression. Never throws. */
export function parseExpression(text: string): ParsedExpression {
  try {
    const tokens = tokenize(text);
    if (tokens.length === 0) throw new ExpressionFault(0, 'it is empty');
    return { ok: true, expression: new Parser(tokens, text).parse() };
  } catch (error: unknown) {
    if (!(error instanceof ExpressionFault)) throw error;
    return { ok: false, at: error.at, message: error.message, fixes: error.fixes };
  }
}

class Parser {
  private position = 0;
  private depth = 0;
  private readonly tokens: readonly Token[];
  private readonly text: string;

  constructor(tokens: readonly Token[], text: string) {
    this.tokens = tokens;
    this.text = text;
  }

  parse(): Expression {
    const expression = this.level(0);
    const rest = this.peek();
    if (rest) throw new ExpressionFault(rest.at, `${shown(rest)} is not expected`);
    return expression;
  }

  private level(index: number): Expression {
    const operators = LEVELS[index];
    if (!operators) return this.unary();
    let left = this.level(index + 1);
    for (let count = 0; ; count++) {
      const at = this.peek()?.at ?? 0;
      const operator = this.takeOperator(operators);
      if (operator === null) return left;
      const right = this.level(index + 1);
      if (index === COMPARISONS && count > 0) throw this.chained(at, operator, left, right);
      left = { kind: 'binary', operator, left, right, start: left.start, end: right.end };
    }
  }

  /** `1 < x < 5` means different things in different languages. */
  private chained(at: number, operator: string, left: Expression, right: Expression): ExpressionFault {
    const middle = left.kind === 'binary' ? left.right : left;
    const second = `${this.text.slice(middle.start, middle.end)} ${operator} ${this.text.slice(right.start, right.end)}`;
    return new ExpressionFault(at, 'comparisons are joined by and', [
      { start: left.end, end: right.end, text: ` and ${second}` },
    ]);
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
    const isNot = token?.kind === 'name' && token.text === 'not';
    if (!isNot && !(token?.kind === 'symbol' && token.text === '-')) return this.postfix();
    this.position += 1;
    return this.deeper(() => {
      // `not` binds looser than a comparison.
      const operand = isNot ? this.level(COMPARISONS) : this.unary();
      return { kind: 'unary', operator: isNot ? 'not' : '-', operand, start: token.at, end: operand.end };
    });
  }

  private postfix(): Expression {
    let expression = this.primary();
    for (;;) {
      const token = this.peek();
      if (token?.kind !== 'symbol') return expression;
      const of = expression;
      const { start } = of;
      if (token.text === '.') {
        this.position += 1;
        const name = this.take();
        if (name.kind !== 'name') throw new ExpressionFault(name.at, `${shown(name)} is not expected`);
        expression = { kind: 'member', of, name: name.text, start, end: name.end };
      } else if (token.text === '[') {
        this.position += 1;
        const index = this.deeper(() => this.level(0));
        expression = { kind: 'index', of, index, start, end: this.expect(']') };
      } else if (token.text === '(') {
        this.position += 1;
        const { items, end } = this.items(')');
        expression = { kind: 'call', callee: of, arguments: items, start, end };
      } else return expression;
    }
  }

  private primary(): Expression {
    const token = this.take();
    const place = { start: token.at, end: token.end };
    switch (token.kind) {
      case 'reference':
        return { kind: 'reference', block: token.block, path: token.path, ...place };
      case 'number':
        return { kind: 'literal', value: Number(token.text), ...place };
      case 'string':
        return { kind: 'literal', value: token.text, ...place };
      case 'name': {
        const constant = CONSTANTS.get(token.text);
        if (constant !== undefined) return { kind: 'literal', value: constant, ...place };
        return this.words(token);
      }
      case 'symbol':
        if (token.text === '(') {
          const inner = this.deeper(() => this.level(0));
          return { ...inner, start: token.at, end: this.expect(')') };
        }
        if (token.text === '[') {
          const { items, end } = this.items(']');
          return { kind: 'list', items, start: token.at, end };
        }
        throw new ExpressionFault(token.at, `${token.text} is not expected`);
    }
  }

  /** Words beside each other, such as the name of a block or a text without quotes. */
  private words(first: Token): Expression {
    if (first.kind === 'name' && isKeyword(first.text))
      throw new ExpressionFault(first.at, `a value is expected before ${first.text}`);
    let { end } = first;
    for (
      let next = this.peek();
      next?.kind === 'name' && !isKeyword(next.text) && !CONSTANTS.has(next.text);
      next = this.peek()
    ) {
      end = next.end;
      this.position += 1;
    }
    return { kind: 'name', name: this.text.slice(first.at, end), start: first.at, end };
  }

  private items(close: string): { items: Expression[]; end: number } {
    const items: Expression[] = [];
    for (;;) {
      const end = this.takeSymbol(close);
      if (end !== null) return { items, end };
      if (items.length > 0) this.expect(',');
      items.push(this.deeper(() => this.level(0)));
    }
  }

  private deeper<T>(work: () => T): T {
    if (++this.depth > MAX_DEPTH)
      throw new ExpressionFault(this.peek()?.at ?? this.text.length, 'it nests too deep');
    const result = work();
    this.depth -= 1;
    return result;
  }

  private peek(): Token | undefined {
    return this.tokens[this.position];
  }

  private take(): Token {
    const token = this.peek();
    if (!token) throw new ExpressionFault(this.text.length, 'it ends too early');
    this.position += 1;
    return token;
  }

  private takeSymbol(text: string): number | null {
    const token = this.peek();
    if (token?.kind !== 'symbol' || token.text !== text) return null;
    this.position += 1;
    return token.end;
  }

  private expect(text: string): number {
    const token = this.peek();
    const end = this.takeSymbol(text);
    if (end !== null) return end;
    const other = token ? `, not ${shown(token)}` : '';
    throw new ExpressionFault(token?.at ?? this.text.length, `${text} is expected${other}`);
  }
}

function shown(token: Token): string {
  return token.kind === 'reference' ? `<${token.block}.output${token.path}>` : token.text.slice(0, 40);
}
