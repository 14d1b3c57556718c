/**
 * Spells out what a person can't see in a text that asks for agreement: characters that show nothing or reorder the text,
 * and gaps that push the text out of sight (Unicode TR 36; "Trojan Source").
 *
 * Characters are recognised by their Unicode properties, so characters of later Unicode versions are covered as well.
 */
import type { Json, JsonObject } from './json-value.ts';
import { setKey } from './json.ts';

/**
 * C: controls, format characters, private use, unassigned, lone surrogates. Default_Ignorable_Code_Point: variation
 * selectors, tags, fillers and others that render as nothing. White_Space: every blank except space, tab and line break.
 */
const UNSEEN = String.raw`[[\p{C}\p{Default_Ignorable_Code_Point}\p{White_Space}]--[ \t\n]]`;
/** Characters with an empty glyph that no Unicode property marks. */
const EMPTY_GLYPHS = String.raw`[\u2800\uFFFC\u{16FE4}\u{1D159}\u{13441}\u{13442}]`;
/** The fifth and later marks of a letter. No script needs more than four; more marks cover the lines above and below. */
const PILED_MARKS = String.raw`(?<=\p{M}{4})\p{M}`;
/** Blanks that push the rest of a text out of sight. */
const LONG_GAPS = String.raw`\n(?:[ \t]*\n){9,}|[ \t]{80,}`;
const SPELLED_OUT = new RegExp(String.raw`\r\n|${LONG_GAPS}|${PILED_MARKS}|${UNSEEN}|${EMPTY_GLYPHS}`, 'gv');

/** Text that shows nothing in any font. Private use and unassigned characters may show something and do not count. */
const BLANK = new RegExp(
  String.raw`^[\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{White_Space}${EMPTY_GLYPHS}]*$`,
  'v',
);

/** Whether nothing of a text is visible. True for an empty text. */
export function isBlank(text: string): boolean {
  return BLANK.test(text);
}

/** Writes each hidden character as `[U+202E]` and each long gap as `[120 line breaks]`. */
export function visibleText(text: string): string {
  return text.replace(SPELLED_OUT, spellOut);
}

/** The different replacements that visibleText would make in a text. Empty when nothing is hidden. */
export function hiddenCharacters(text: string): string[] {
  return [...new Set(text.match(SPELLED_OUT))].filter((match) => match !== '\r\n').map(spellOut);
}

function spellOut(hidden: string): string {
  if (hidden === '\r\n') return '\n';
  if (hidden.length <= 2) return `[U+${hidden.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}]`;
  const breaks = hidden.split('\n').length - 1;
  return breaks > 0 ? `\n[${breaks} line breaks]\n` : ` [${hidden.length} spaces] `;
}

/**
 * Applies visibleText to all texts and keys of a value. When two keys of an object become equal, the later one gets a
 * number, so that none replaces the other.
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
