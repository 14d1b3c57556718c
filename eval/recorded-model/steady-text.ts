/**
 * Takes out of a text what differs from run to run: ids that the service makes, versions of assets with such ids, the tokens
 * of its delimiters, today's date.
 * What stands in place depends on the order of appearance only.
 */
import { FIXED_ID, ordinalId } from '../project/ids.ts';

const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;
const DELIMITER = /\bdata-[0-9a-f]{16}\b/g;
const COUNTED_DELIMITER = 'data-5c3f0e9d7b214a68';
const VERSION = /("version": ?")[0-9a-f]{12}"/g;
const COUNTED_VERSION = '7b19d24e05fa';
const DATE_TIME =
  /\b((?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day )?(20\d\d-\d\d-\d\d)(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?/g;
const DAY_MS = 86_400_000;
/** The dates of the project lie further back. */
const NEAR_DAYS = 3;

export interface SteadyText {
  /** For a reader: `<id 1>`, `data-<token>`, `<now>`. */
  toRead(text: string): string;
  /** For a count of tokens: texts of the same form and length that are the same in every run. */
  toCount(text: string): string;
}

/** Remembers the ids of one case. */
export function createSteadyText(now: Date): SteadyText {
  const ids = new Map<string, number>();
  const numberOf = (id: string): number => {
    const known = ids.get(id) ?? ids.size + 1;
    ids.set(id, known);
    return known;
  };
  const isNear = (date: string): boolean => Math.abs(Date.parse(date) - now.getTime()) < NEAR_DAYS * DAY_MS;
  const replace = (text: string, by: Replacements): string =>
    text
      .replace(DELIMITER, by.delimiter)
      .replace(VERSION, (_, key: string) => `${key}${by.version}"`)
      .replace(UUID, (found) => (found.startsWith(FIXED_ID) ? found : by.id(numberOf(found))))
      .replace(DATE_TIME, (found, _weekday, day: string) => (isNear(day) ? by.date(found) : found));
  return {
    toRead: (text) => replace(text, TO_READ),
    toCount: (text) => replace(text, TO_COUNT),
  };
}

interface Replacements {
  id(n: number): string;
  delimiter: string;
  version: string;
  date(found: string): string;
}

const TO_READ: Replacements = {
  id: (n) => `<id ${n}>`,
  delimiter: 'data-<token>',
  version: '<version>',
  date: () => '<now>',
};

const TO_COUNT: Replacements = {
  id: (n) => ordinalId(`id ${n}`),
  delimiter: COUNTED_DELIMITER,
  version: COUNTED_VERSION,
  date: (found) => found.replace(/^[A-Z][a-z]+/, 'Monday').replaceAll(/\d/g, '1'),
};
