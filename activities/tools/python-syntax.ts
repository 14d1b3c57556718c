/** Checks Python code with Ruff's parser: finds the syntax errors of CPython, and the tokens of code that parses. */
import { PositionEncoding, Workspace } from '@astral-sh/ruff-wasm-nodejs';
import type { PythonChecker, PythonFacts } from '../../domain/rules/python.ts';
import { findInputKeys, readTokens, usesBuiltInInput } from './python-tokens.ts';

// F701, F702, F704, F706: break, continue, yield and return in the wrong place, which CPython refuses too.
// F821: an undefined name. A line with `output` is added to the code and asked about, to learn whether anything binds it.
const RULES = ['F701', 'F702', 'F704', 'F706', 'F821'];
const UNDEFINED = 'F821';
const PROBE = '\noutput\n';
/** The approximate bytes of cached analyses. The same blocks are judged before and after every edit. */
const MAX_KNOWN_BYTES = 16 * 1024 * 1024;
const FACTS_BYTES = 200;
const KEY_BYTES = 200;
const MAX_NAMES = 20;
/** The name that the platform defines. */
const GIVEN = 'input_data';
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
    const found = workspace.check(text) as Diagnostic[];
    const fault = found.find(({ code: rule }) => rule !== UNDEFINED);
    if (fault) {
      const { row } = fault.start_location;
      return { ...UNREAD, syntaxError: { line: row, message: fault.message.slice(0, 200) } };
    }
    const lines = text.split('\n').length;
    const undefinedNames = (workspace.check(text + PROBE) as Diagnostic[]).filter(
      ({ code: rule, start_location: at }) => rule === UNDEFINED && at.row > lines,
    );
    const tokens = readTokens(text, workspace.tokens(text));
    return {
      syntaxError: null,
      // The positions are those of the code only when no line ends were rewritten.
      inputKeys: text === code ? findInputKeys(code, tokens) : [],
      assignsOutput: undefinedNames.length === 0,
      undefinedNames: namesOf(found),
      usesInput: usesBuiltInInput(tokens),
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

/** The names of the messages "Undefined name `x`". */
function namesOf(found: readonly Diagnostic[]): string[] {
  const names = found.flatMap(({ code, message }) =>
    code === UNDEFINED ? (/`([^`]+)`/.exec(message)?.slice(1) ?? []) : [],
  );
  return [...new Set(names)].filter((name) => name !== GIVEN).slice(0, MAX_NAMES);
}

function sizeOf(code: string, { inputKeys }: PythonFacts): number {
  return 2 * code.length + FACTS_BYTES + KEY_BYTES * inputKeys.length;
}

const UNREAD: PythonFacts = {
  syntaxError: null,
  inputKeys: [],
  assignsOutput: false,
  undefinedNames: [],
  usesInput: false,
};
