/**
 * References in forms that the engine does not know: `<Check.score>`, `{{Check.output.score}}`, `${Check.score}`. The engine
 * leaves them in the text unchanged. Only those that name a block of the graph are meant as references.
 */
import type { JsonObject } from '../text/json-value.ts';
import { visitStrings } from '../text/visit-strings.ts';
import { toReference } from './expression-tokens.ts';
import { readReference } from './reference.ts';

export interface ForeignForm {
  /** The text as it is written. */
  written: string;
  /** The name before the first dot. */
  name: string;
  /** The reference that is meant. */
  reference: string;
  /** The top-level key of the config. */
  field: string;
}

const FORMS = /<([\p{L}\p{N}_ -]{1,255})(\.[\p{L}\p{N}_.[\] -]{1,255})>/gu;
const BRACES = /\$?\{{1,2} ?([\p{L}\p{N}_ -]{1,255})(\.[\p{L}\p{N}_.[\] -]{1,255}?) ?\}{1,2}/gu;
/** Conditions and code have rules of their own. */
const READ_ELSEWHERE = ['branches', 'code'];

/** The forms of configs. Configs are never changed in place, so an entry stays valid. */
const known = new WeakMap<JsonObject, readonly ForeignForm[]>();

/** All foreign forms of a config, without duplicates. */
export function listForeignForms(config: JsonObject): readonly ForeignForm[] {
  const before = known.get(config);
  if (before) return before;
  const found = new Map<string, ForeignForm>();
  for (const field of Object.keys(config)) {
    if (READ_ELSEWHERE.includes(field)) continue;
    visitStrings(config[field]!, (text) => {
      for (const pattern of text.includes('{') ? [FORMS, BRACES] : [FORMS]) {
        for (const match of text.matchAll(pattern)) {
          const [written, name, path] = match as unknown as [string, string, string];
          if (readReference(text, match.index)) continue;
          found.set(`${field} ${written}`, { written, name, reference: toReference(name, path), field });
        }
      }
    });
  }
  const forms = [...found.values()];
  known.set(config, forms);
  return forms;
}
