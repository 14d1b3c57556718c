/**
 * Texts as a person must see them before agreeing to something: whatever shows nothing, reorders what is written or
 * pushes it out of sight is spelled out (Unicode TR 36; "Trojan Source").
 *
 * Characters are told by their Unicode property, so that a character of a later Unicode version is covered as well.
 */
import type { Json, JsonObject } from './json-value.ts';
import { setKey } from './json.ts';

/**
 * C: controls, format characters, private use, unassigned, lone surrogates. DI: variation selectors, tags, fillers and
 * all others that Unicode says to render as nothing. White_Space: every blank but the ordinary space, tab and line break.
 */
const UNSEEN = String.raw`[[\p{C}\p{Default_Ignorable_Code_Point}\p{White_Space}]--[ \t\n]]`;
/** Glyphs that are empty although no property says so: U+2800, U+FFFC, U+16FE4, U+1D159, U+13441, U+13442. */
const EMPTY_GLYPHS = String.raw`[\u2800\uFFFC\u{16FE4}\u{1D159}\u{13441}\u{13442}]`;
/** A letter carries four marks at most in any script; more of them paint over the lines around. */
const PILED_MARKS = String.raw`(?<=\p{M}{4})\p{M}`;
/** Blanks that push the rest of a text out of sight. */
const LONG_GAPS = String.raw`\n(?:[ \t]*\n){9,}|[ \t]{80,}`;
const HIDDEN = new RegExp(String.raw`\r\n|${LONG_GAPS}|${PILED_MARKS}|${UNSEEN}|${EMPTY_GLYPHS}`, 'gv');

/** What shows nothing in any font. Private use and later Unicode versions may show something, so they are not in it. */
const BLANK = new RegExp(
  String.raw`^[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{White_Space}${EMPTY_GLYPHS}]*$`,
  'v',
);

/** Whether nothing of a text can be seen; true for an empty one. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/** The text with each character that can't be seen written as `[U+202E]`, and each long gap as `[120 line breaks]`. */
export function visibleText(text: string): string {
  return text.replace(HIDDEN, spellOut);
}

/** What visibleText would spell out in a text, each once, as it would be written; empty when all of it can be seen. */
export function hiddenCharacters(text: string): string[] {
  return [...new Set(text.match(HIDDEN))].filter((match) => match !== '\r\n').map(spellOut);
}

function spellOut(hidden: string): string {
  if (hidden === '\r\n') return '\n';
  if (hidden.length <= 2) return `[U+${hidden.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`;
  const breaks = hidden.split('\n').length - 1;
  return breaks > 0 ? `\n[${breaks} line breaks]\n` : ` [${hidden.length} spaces] `;
}

/**
 * A value with all of its texts and keys made visible. A key that would read like another one beside it, such as an
 * invisible character and that character's name, is numbered: neither takes the other's place.
 */
export function visibleJson(value: Json): Json {
  if (typeof value === 'string') return visibleText(value);
  if (Array.isArray(value)) return value.map(visibleJson);
  if (typeof value !== 'object' || value === null) return value;
  const result: JsonObject = {};
  const numbers = new Map<string, number>();
  for (const key of Object.keys(value)) {
    const shown = visibleText(key);
    let name = shown;
    while (Object.hasOwn(result, name)) {
      const number = (numbers.get(shown) ?? 1) + 1;
      numbers.set(shown, number);
      name = `${shown} [key ${number} of this name]`;
    }
    setKey(result, name, visibleJson(value[key]!));
  }
  return result;
}
