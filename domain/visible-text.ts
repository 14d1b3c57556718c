/**
 * Texts as a person must see them before agreeing to something: characters that hide or reorder what is written
 * (controls, zero-width ones, bidirectional overrides: Unicode TR 36, "Trojan Source") are spelled out.
 */
import type { Json, JsonObject } from './graph.ts';
import { setKey } from './json.ts';

// Line breaks and tabs are part of ordinary text.
const HIDDEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** The text with each hidden character written as `[U+202E]`. */
export function visibleText(text: string): string {
  return text.replace(
    HIDDEN,
    (char) => `[U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
  );
}

/** A value with all of its texts and keys made visible. */
export function visibleJson(value: Json): Json {
  if (typeof value === 'string') return visibleText(value);
  if (Array.isArray(value)) return value.map(visibleJson);
  if (typeof value !== 'object' || value === null) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setKey(result, visibleText(key), visibleJson(value[key]!));
  return result;
}
