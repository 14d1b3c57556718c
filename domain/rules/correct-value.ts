/** Corrects values of config fields that are right but for their kind or spelling. */
import type { Json } from '../text/json-value.ts';
import { checkFieldValue, type ConfigField, nearestNames } from './block-registry.ts';

const MAX_CHARS = 2_000;

/** The value that a wrong one must have meant; undefined when it may have meant several. */
export function correctValue(field: ConfigField, value: Json): Json | undefined {
  if (typeof value === 'string' && value.length > MAX_CHARS) return undefined;
  const corrected = guess(field, value);
  return corrected !== undefined && checkFieldValue(field, corrected) === null ? corrected : undefined;
}

function guess({ type, enum: choices }: ConfigField, value: Json): Json | undefined {
  if (type === 'string') {
    if (typeof value === 'number' || typeof value === 'boolean') return String(value);
    return typeof value === 'string' && choices ? nearestNames(value, choices, 1)[0] : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  const isJson =
    type === 'array'
      ? text.startsWith('[')
      : type === 'boolean'
        ? /^(?:true|false)$/i.test(text)
        : /^-?\d+(?:\.\d+)?$/.test(text);
  if (!isJson) return undefined;
  try {
    return JSON.parse(type === 'array' ? text : text.toLowerCase()) as Json;
  } catch {
    return undefined;
  }
}
