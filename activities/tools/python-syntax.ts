/** Checks Python code with Ruff's parser: finds the syntax errors of CPython, and the tokens of code that parses. */
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs';
import type { InputKey, PythonChecker, PythonFacts } from '../../domain/rules/python.ts';

// F701, F702, F704, F706: break, continue, yield and return in the wrong place, which CPython refuses too.
// F821: an undefined name. A line with `output` is added to the code and asked about, to learn whether anything binds it.
const RULES = ['F701', 'F702', 'F704', 'F706', 'F821'];
const UNDEFINED = 'F821';
const PROBE = '\noutput\n';
/** The approximate bytes of cached analyses. The same blocks are judged before and after every edit. */
const MAX_KNOWN_BYTES = 16 * 1024 * 1024;
const FACTS_BYTES = 200;
const KEY_BYTES = 100;
/** A parser is replaced after this many texts, because its memory only grows. */
const MAX_PARSED = 20_000;

interface Diagnostic {
  code: string | null;
  message: string;
  start_location: { row: number; column: number };
}

/** Creates a checker. The parser is loaded with this file (150 ms at its first text). */
export function createPythonChecker(): PythonChecker {
  const known = new Map<string, PythonFacts>();
  let workspace: Workspace | null = null;
  let parsed = 0;
  let knownBytes = 0;

  const analyze = (code: string): PythonFacts => {
    if (workspace === null || ++parsed > MAX_PARSED) {
      workspace?.free();
      workspace = new Workspace(
        { lint: { select: RULES }, 'target-version': 'py313' },
        PositionEncoding.Utf16,
      );
      parsed = 0;
    }
    const text = code.toWellFormed().replaceAll('\r\n', '\n');
    const fault = (workspace.check(text) as Diagnostic[]).find(({ code: rule }) => rule !== UNDEFINED);
    if (fault) {
      const { row } = fault.start_location;
      return { ...UNREAD, syntaxError: { line: row, message: fault.message.slice(0, 200) } };
    }
    const lines = text.split('\n').length;
    const undefinedNames = (workspace.check(text + PROBE) as Diagnostic[]).filter(
      ({ code: rule, start_location: at }) => rule === UNDEFINED && at.row > lines,
    );
    return {
      syntaxError: null,
      // The positions are those of the code only when no line ends were rewritten.
      inputKeys: text === code ? findInputKeys(code, workspace.tokens(code)) : [],
      assignsOutput: undefinedNames.length === 0,
      usesInput: usesBuiltInInput(text, workspace.tokens(text)),
    };
  };

  return {
    analyze(code) {
      const before = known.get(code);
      if (before) return before;
      let facts: PythonFacts;
      try {
        facts = analyze(code);
      } catch {
        // The parser itself failed, so the text may be right. The failed parser is not used again.
        workspace = null;
        facts = { ...UNREAD, assignsOutput: true };
      }
      knownBytes += sizeOf(code, facts);
      known.set(code, facts);
      for (const [old, kept] of known) {
        if (knownBytes <= MAX_KNOWN_BYTES) break;
        known.delete(old);
        knownBytes -= sizeOf(old, kept);
      }
      return facts;
    },
  };
}

function sizeOf(code: string, { inputKeys }: PythonFacts): number {
  return 2 * code.length + FACTS_BYTES + KEY_BYTES * inputKeys.length;
}

const UNREAD: PythonFacts = { syntaxError: null, inputKeys: [], assignsOutput: false, usesInput: false };

interface Token {
  kind: string;
  start: number;
  end: number;
}

/** Reads the parser's listing of tokens. Each line has a kind and a range of bytes. */
function readTokens(listing: string): Token[] {
  return [...listing.matchAll(/^\s*(\w+) (\d+)\.\.(\d+)/gm)]
    .map((match) => ({ kind: match[1]!, start: Number(match[2]), end: Number(match[3]) }))
    .filter(({ kind }) => kind !== 'Comment' && kind !== 'NonLogicalNewline');
}

/** Keys in `input_data["name"]` and `input_data.get("name"`. */
function findInputKeys(code: string, listing: string): InputKey[] {
  const bytes = Buffer.from(code);
  const text = ({ start, end }: Token): string => bytes.subarray(start, end).toString();
  const tokens = readTokens(listing);
  // Tokens come in order, so each position is counted from the one before.
  let counted = { byte: 0, unit: 0 };
  return tokens.flatMap((token, index) => {
    if (token.kind !== 'Identifier' || text(token) !== 'input_data') return [];
    const [first, second, third] = [1, 2, 3].map((step) => tokens[index + step]);
    const isGet =
      first?.kind === 'Dot' && second !== undefined && text(second) === 'get' && third?.kind === 'Lpar';
    const key = isGet ? tokens[index + 4] : first?.kind === 'Lsqb' ? second : undefined;
    if (key?.kind !== 'String') return [];
    // Prefixed and triple-quoted strings are skipped: nobody writes a block's name that way.
    const quoted = /^(["'])((?:(?!\1)[^\\\n])+)\1$/.exec(text(key));
    if (!quoted) return [];
    const unit = counted.unit + bytes.subarray(counted.byte, key.start).toString().length;
    counted = { byte: key.start, unit };
    const start = unit + 1;
    return [{ name: quoted[2]!, start, end: start + quoted[2]!.length }];
  });
}

/** Whether the code uses `input` as a value or a call without binding that name itself. */
function usesBuiltInInput(code: string, listing: string): boolean {
  if (!/\binput\b/.test(code)) return false;
  const bytes = Buffer.from(code);
  const tokens = readTokens(listing);
  const uses = tokens.flatMap((token, index) =>
    token.kind === 'Identifier' &&
    bytes.subarray(token.start, token.end).toString() === 'input' &&
    tokens[index - 1]?.kind !== 'Dot'
      ? [index]
      : [],
  );
  const binds = uses.some((index) => {
    const [before, next] = [tokens[index - 1]?.kind, tokens[index + 1]?.kind];
    return next === 'Equal' || next === 'Colon' || before === 'For' || before === 'As' || before === 'Def';
  });
  return uses.length > 0 && !binds;
}
