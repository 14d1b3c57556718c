/** The rules on secrets and placeholders (rule 23). People and models read a graph, so it must hold no secret. */
import type { Block } from '../graph/graph.ts';
import { HIDDEN, isSecretName, looksLikeSecret } from '../text/hide-secrets.ts';
import type { Json } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { findBlockType } from './block-registry.ts';
import { type Report, TEMPLATE } from './report.ts';

const PLACEHOLDER =
  /\b(?:your[-_ ](?:api[-_ ])?(?:key|token|secret|password|url|domain)(?:[-_ ]here)?|changeme|change[-_]me|replace[-_ ]me|insert[-_ ]here|TODO|FIXME|example\.(?:com|org|net)|xxx{3,})\b/i;

/** Reports keys, tokens and passwords in a config, and placeholders that must still be replaced. */
export function checkSecrets({ type, config }: Block, report: Report): void {
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
      const placeholder = PLACEHOLDER.test(text);
      if (looksLikeSecret(text) || text.includes(HIDDEN) || (named && !placeholder))
        report('secret_literal', field, text, { name });
      else if (placeholder) report('placeholder', field, text, { name });
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
