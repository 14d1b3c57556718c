/**
 * References in configs: `<Block Name.output>` and `<Block Name.output.field>`, and `input_data["Block Name"]` in code.
 * Block names in references have letters, digits, `_`, space and `-`.
 */
import { nameKey } from '../graph/find-block.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { setKey } from '../text/json.ts';
import { visitStrings } from '../text/visit-strings.ts';
import { MAX_CODE_BYTES } from '../graph/limits.ts';
import type { InputKey, PythonChecker } from './python.ts';

const NAME = /^[\p{L}\p{N}_ -]+$/u;
// The pattern of the path is loose, so that a rename also finds paths that only the engine understands, such as `[0]`.
const REFERENCE = /<([\p{L}\p{N}_ -]+)\.output((?:[.[][^<>\n]*)?)>/gu;
const AT_REFERENCE = new RegExp(REFERENCE.source, 'uy');
/** A text that looks like a reference but has an impossible name. The engine leaves it in the text unchanged. */
const BROKEN = /<([^<>\n]{1,255})\.output((?:[.[][^<>\n]*)?)>/g;
/** For code that does not parse. */
const INPUT_DATA = /(?<!\w)input_data(\s*(?:\[|\.get\()\s*)(["'])([^"'\n]+)\2/g;

export interface Reference {
  /** The block's name as it is written. */
  name: string;
  /** The path after `.output`, such as `.total` or `[0]`; empty for the whole output. */
  path: string;
  /** `code`: a key of input_data. */
  kind: 'template' | 'code';
  /** The top-level key of the config that holds the reference. */
  field: string;
  /** True when the name can't be the name of a block. */
  broken: boolean;
  /** True for code that goes on when the block did not run. */
  isGuarded: boolean;
  /** The first key in code when it is not `output`, the only key that a block has there. */
  outside: string | null;
}

/** Whether a reference can hold the name. */
export function isReferenceName(name: string): boolean {
  return NAME.test(name);
}

/** The reference that starts at a position of a text, or null. */
export function readReference(text: string, at: number): { name: string; path: string; end: number } | null {
  AT_REFERENCE.lastIndex = at;
  const match = AT_REFERENCE.exec(text);
  return match && { name: match[1]!, path: match[2]!, end: AT_REFERENCE.lastIndex };
}

/** The references of configs. Configs are never changed in place, so an entry stays valid. */
const known = new WeakMap<JsonObject, { python: PythonChecker | undefined; references: Reference[] }>();

/** All references of a config without duplicates. With a Python checker, its parser finds the keys in code. */
export function listReferences(config: JsonObject, python?: PythonChecker): readonly Reference[] {
  const before = known.get(config);
  if (before && before.python === python) return before.references;
  const references = readReferences(config, python);
  known.set(config, { python, references });
  return references;
}

function readReferences(config: JsonObject, python: PythonChecker | undefined): Reference[] {
  const found = new Map<string, Reference>();
  const add = (reference: Reference): void => {
    const { field, kind, name, path, outside } = reference;
    const key = JSON.stringify([field, kind, nameKey(name), path, outside]);
    const before = found.get(key);
    if (!before) found.set(key, reference);
    else before.isGuarded &&= reference.isGuarded;
  };
  for (const field of Object.keys(config)) {
    const template = { kind: 'template', field, isGuarded: false, outside: null } as const;
    visitStrings(config[field]!, (text) => {
      if (text.includes('.output')) {
        for (const match of text.matchAll(BROKEN)) {
          if (readReference(text, match.index) === null && looksNamed(match[1]!))
            add({ ...template, name: match[1]!, path: match[2]!, broken: true });
        }
        for (const match of text.matchAll(REFERENCE))
          add({ ...template, name: match[1]!, path: match[2]!, broken: false });
      }
      for (const { name, keys, isGuarded } of inputKeys(text, field, python)) {
        const outside = keys.length > 0 && keys[0] !== 'output' ? keys[0]! : null;
        const path = outside === null ? toPath(keys.slice(1)) : '';
        add({ kind: 'code', field, name, path, broken: false, isGuarded, outside });
      }
    });
  }
  return [...found.values()];
}

/** The path of keys in code, up to the first key that a path cannot spell. */
function toPath(keys: readonly string[]): string {
  const end = keys.findIndex((key) => !isReferenceName(key));
  return (end < 0 ? keys : keys.slice(0, end)).map((key) => `.${key}`).join('');
}

/** Whether a text is meant as a name. It may have brackets, dots and signs, but not the characters of an HTML tag. */
function looksNamed(text: string): boolean {
  return !/["'=/;{}]/.test(text) && text.trim() !== '';
}

/**
 * Replaces names in every reference of a config. `rename` takes a `nameKey` and returns the new name, or null for no change.
 * Returns the same object when nothing changes. In code that parses, only the keys of input_data are rewritten, not comments
 * and strings.
 */
export function rewriteReferences(
  config: JsonObject,
  rename: (name: string) => string | null,
  python?: PythonChecker,
): JsonObject {
  const names = new Set(listReferences(config, python).map(({ name }) => nameKey(name)));
  const next = new Map<string, string>();
  for (const name of names) {
    const to = rename(name);
    if (to !== null) next.set(name, to);
  }
  if (next.size === 0) return config;
  const result: JsonObject = {};
  let changed = false;
  for (const field of Object.keys(config)) {
    const value = mapStrings(config[field]!, (text) => {
      const now = renameKeys(text, field, next, python).replace(
        REFERENCE,
        (match, name: string, path: string) => {
          const to = next.get(nameKey(name));
          return to === undefined ? match : `<${to}.output${path}>`;
        },
      );
      changed ||= now !== text;
      return now;
    });
    setKey(result, field, value);
  }
  return changed ? result : config;
}

function renameKeys(
  text: string,
  field: string,
  next: ReadonlyMap<string, string>,
  python?: PythonChecker,
): string {
  const keys = inputKeys(text, field, python).filter(({ name }) => next.has(nameKey(name)));
  if (keys.length === 0) return text;
  const pieces: string[] = [];
  let at = 0;
  for (const { name, start, end } of keys) {
    pieces.push(text.slice(at, start), next.get(nameKey(name))!);
    at = end;
  }
  return pieces.join('') + text.slice(at);
}

function inputKeys(text: string, field: string, python?: PythonChecker): readonly InputKey[] {
  if (!text.includes('input_data')) return [];
  // Longer code is refused without being parsed.
  if (python && field === 'code' && text.length <= MAX_CODE_BYTES) {
    const facts = python.analyze(text);
    if (facts.syntaxError === null) return facts.inputKeys;
  }
  return [...text.matchAll(INPUT_DATA)].map((match) => {
    const end = match.index + match[0].length - 1;
    const isGuarded = match[1]!.includes('get');
    return { name: match[3]!, start: end - match[3]!.length, end, keys: [], isGuarded };
  });
}

/** A copy with every text mapped. Safe at any depth. */
function mapStrings(root: Json, map: (text: string) => string): Json {
  let copy: Json = null;
  const todo: { value: Json; put: (mapped: Json) => void }[] = [
    { value: root, put: (mapped) => (copy = mapped) },
  ];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const { value, put } = next;
    if (typeof value === 'string') {
      put(map(value));
    } else if (Array.isArray(value)) {
      const list: Json[] = value.slice();
      put(list);
      for (const [index, item] of value.entries())
        todo.push({ value: item, put: (mapped) => (list[index] = mapped) });
    } else if (value !== null && typeof value === 'object') {
      const object: JsonObject = {};
      put(object);
      for (const key of Object.keys(value)) {
        // The key is set before its value is mapped, so that the keys keep their order.
        setKey(object, key, null);
        todo.push({ value: value[key]!, put: (mapped) => setKey(object, key, mapped) });
      }
    } else {
      put(value);
    }
  }
  return copy;
}
