/** Between a config's value and the text that a person edits. Pure. */
import type { BlockTypeField, Json } from '../../../client/src/index.ts';
import { showJson } from '../store/json.ts';

export type ParsedText = { ok: true; value: Json | undefined } | { ok: false; problem: string };

/** A reference such as `<Load Order.output.total>` may stand where a number is wanted. */
const REFERENCE = /^<[^<>]+>$/;

/** The text of a value, to be edited. */
export function toText(value: Json | undefined): string {
  return showJson(value);
}

/** The value that a text means for a field. An empty text takes the field out. */
export function parseText(
  text: string,
  { type, min, max }: Pick<BlockTypeField, 'type' | 'min' | 'max'>,
): ParsedText {
  const trimmed = text.trim();
  if (trimmed === '') return { ok: true, value: undefined };
  if (type === 'string') return { ok: true, value: text };
  if (REFERENCE.test(trimmed)) return { ok: true, value: trimmed };
  if (type === 'number' || type === 'integer') {
    const number = Number(trimmed);
    if (!Number.isFinite(number)) return { ok: false, problem: 'This must be a number.' };
    if (type === 'integer' && !Number.isInteger(number))
      return { ok: false, problem: 'This must be a whole number.' };
    if (min !== undefined && number < min) return { ok: false, problem: `This must be at least ${min}.` };
    if (max !== undefined && number > max) return { ok: false, problem: `This must be at most ${max}.` };
    return { ok: true, value: number };
  }
  // Anything: what does not look like a JSON document is text.
  if (type === 'any' && !/^[[{"]/.test(trimmed)) return { ok: true, value: parseWord(trimmed) ?? text };
  try {
    const value = JSON.parse(trimmed) as Json;
    if (type === 'array' && !Array.isArray(value))
      return { ok: false, problem: 'This must be a list: [ … ].' };
    if (type === 'object' && (typeof value !== 'object' || value === null || Array.isArray(value)))
      return { ok: false, problem: 'This must be an object: { … }.' };
    return { ok: true, value };
  } catch (error: unknown) {
    return {
      ok: false,
      problem: `This is no valid JSON yet: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
}

/** true, false and plain numbers; null for every other text. */
function parseWord(text: string): Json | null {
  if (text === 'true' || text === 'false') return text === 'true';
  return /^-?\d{1,15}(\.\d+)?$/.test(text) ? Number(text) : null;
}
