/** The rules on secrets and placeholders (rule 23). People and models read a graph, so it must hold no secret. */
import type { Block } from '../graph/graph.ts';
import { HIDDEN, isSecretName, looksLikeSecret } from '../text/hide-secrets.ts';
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { findBlockType } from './block-registry.ts';
import { type Report, TEMPLATE } from './report.ts';

const PLACEHOLDERS =
  /\b(?:your[-_ ](?:api[-_ ])?(?:key|token|secret|password|url|domain)(?:[-_ ]here)?|changeme|change[-_]me|replace[-_ ]me|insert[-_ ]here|TODO|FIXME|example\.(?:com|org|net)|xxx{3,})\b/gi;
/** Every placeholder has one of these. */
const MARKS =
  /your[-_ ](?:api|key|token|secret|password|url|domain)|change[-_]?me|replace[-_ ]me|insert[-_ ]here|todo|fixme|example\.(?:com|org|net)|xxxxx/i;
const WORD_BEFORE = /[\p{L}\p{N}._@-]{0,200}$/u;
const WORD_AFTER = /^[\p{L}\p{N}._@-]{0,200}/u;

/** Whether a text may hold a placeholder. It holds none when the answer is no. Takes JSON text too. */
export function mayHoldPlaceholder(text: string): boolean {
  return MARKS.test(text);
}

/** The words of a text that are placeholders or hold one, in lower case: `api.example.com` of `https://api.example.com/x`. */
export function placeholderWords(text: string): string[] {
  if (!mayHoldPlaceholder(text)) return [];
  return [...text.matchAll(PLACEHOLDERS)].map(({ 0: match, index }) => {
    const end = index + match.length;
    const before = WORD_BEFORE.exec(text.slice(Math.max(0, index - 200), index))![0];
    const after = WORD_AFTER.exec(text.slice(end, end + 200))![0];
    return `${before}${match}${after}`.replace(/^[._@-]+|[._@-]+$/g, '').toLowerCase();
  });
}

/**
 * Reports keys, tokens and passwords in a config, and placeholders that must still be replaced. `typed` holds the placeholder
 * words that the user has typed: those are meant as they are.
 */
export function checkSecrets(
  { type, config }: Block,
  report: Report,
  typed: ReadonlySet<string> = new Set(),
): void {
  const serverOwned = new Set(
    findBlockType(type)
      ?.fields.filter((field) => field.serverOwned)
      .map(({ name }) => name),
  );
  for (const [field, value] of Object.entries(config)) {
    if (serverOwned.has(field)) continue;
    const isInput = type === 'starter' && field === 'input';
    visitTexts(value, field, (text, name) => {
      const named = !isInput && isSecretName(name) && text.trim() !== '' && !TEMPLATE.test(text);
      const words = placeholderWords(text);
      if (looksLikeSecret(text) || text.includes(HIDDEN) || (named && words.length === 0))
        report('secret_literal', field, text, { name });
      else {
        const word = words.find((each) => !typed.has(each));
        if (word !== undefined) report('placeholder', field, text, { name, word: word.slice(0, 60) });
      }
    });
  }
}

/** Visits all texts in order, each with the name of its key. Safe at any depth. */
function visitTexts(root: Json, rootName: string, visit: (text: string, name: string) => void): void {
  const todo: [Json, string][] = [[root, rootName]];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [value, name] = next;
    if (typeof value === 'string') visit(value, name);
    else if (Array.isArray(value)) for (const item of value.toReversed()) todo.push([item, name]);
    else if (isObject(value))
      for (const key of Object.keys(value).toReversed()) todo.push([value[key]!, key]);
  }
}
