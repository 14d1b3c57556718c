/** Secrets in data that is shown to the model, to readers or in logs. */
import type { Json, JsonObject } from './graph.ts';
import { isObject, setKey } from './json.ts';

export const HIDDEN = '[hidden]';

// Each pattern is linear: no part of it can match the same text in two ways.
const SHAPES: readonly RegExp[] = [
  /\bsk-[A-Za-z0-9_-]{16,}/g,
  /\b(?:sk|rk|pk)_(?:live|test)_[A-Za-z0-9]{16,}/g,
  /\bgh[pousr]_[A-Za-z0-9]{20,}/g,
  /\bgithub_pat_[A-Za-z0-9_]{20,}/g,
  /\bglpat-[A-Za-z0-9_-]{16,}/g,
  /\bxox[a-z]-[A-Za-z0-9-]{10,}/g,
  /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g,
  /\bAIza[A-Za-z0-9_-]{30,}/g,
  /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END )[^])*(?:-----END [A-Z ]*PRIVATE KEY-----)?/g,
  /\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*/g,
  /(?<=\bBearer\s{1,4})[A-Za-z0-9._~+/-]{16,}=*/gi,
  /(?<=\bBasic\s{1,4})[A-Za-z0-9+/]{16,}=*/g,
  /(?<=\b[a-z][a-z0-9+.-]{1,30}:\/\/[^\s:@/]{0,100}:)[^\s@/]{1,200}(?=@)/gi,
];
/** What every shape has in it somewhere: most texts have none of it. */
const HINT = /sk[-_]|[rp]k_|gh[pousr]_|github_pat|glpat-|xox|A[KS]IA|AIza|-----BEGIN|eyJ|bearer|basic|:\/\//i;
const NAMES =
  /(?:^|_)(?:password|passwd|passphrase|pwd|secret|secrets|token|api_?key|apikey|access_key|private_key|signing_key|encryption_key|authorization|credential|credentials|webhook_secret|connection_string|dsn|cookie|bearer)$/;
/** A reference to another block is no secret, wherever it stands. */
const REFERENCE = /<[^<>\n]{1,300}\.output[^<>\n]{0,300}>/g;

/** True for a field whose text is a secret by its name: `apiKey`, `webhook-secret`, but not `max_tokens`. */
export function isSecretName(key: string): boolean {
  let is = judged.get(key);
  if (is === undefined) {
    is = judgeName(key);
    if (judged.size < MAX_JUDGED) judged.set(key, is);
  }
  return is;
}

/** The same few names come again and again. */
const judged = new Map<string, boolean>();
const MAX_JUDGED = 1_000;

function judgeName(key: string): boolean {
  const snake = key
    .slice(-100)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase();
  return NAMES.test(snake);
}

/** True when a text holds something of the shape of a key, a token or a password in a URL. */
export function looksLikeSecret(text: string): boolean {
  return hideInText(text) !== text;
}

/** The text with whatever has the shape of a secret replaced by `[hidden]`. */
export function hideInText(text: string): string {
  return !HINT.test(text) ? text : SHAPES.reduce((rest, shape) => rest.replace(shape, HIDDEN), text);
}

/** Deeper than this nothing is shown: whoever reads it further recurses too. */
const MAX_LEVELS = 64;
const TOO_DEEP = `[nested deeper than ${MAX_LEVELS} levels]`;

/**
 * A copy of any JSON with its secrets replaced by `[hidden]`: by their shape anywhere, by their name where text stands.
 * What nests deeper than 64 levels is replaced by a text that says so. Safe at any depth.
 */
export function hideSecrets(value: Json): Json {
  return hide(value, false, 1);
}

function hide(value: Json, secret: boolean, level: number): Json {
  if (typeof value === 'string') {
    return secret && value.replace(REFERENCE, '').trim() !== '' ? HIDDEN : hideInText(value);
  }
  if (typeof value === 'number') return secret ? HIDDEN : value;
  if (typeof value === 'object' && value !== null && level > MAX_LEVELS) return TOO_DEEP;
  if (Array.isArray(value)) return value.map((item) => hide(item, secret, level + 1));
  if (!isObject(value)) return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value))
    setKey(result, hideInText(key), hide(value[key]!, secret || isSecretName(key), level + 1));
  return result;
}
