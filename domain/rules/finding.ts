/** The findings of the rules: problems, with keys by which the same fault is recognised in two versions of a graph. */
import { FINDINGS, type Severity } from './findings.ts';

/** A row of the table: a code, with the name of its wording where the code has several. */
export type FindingId = keyof typeof FINDINGS;
type CodeOf<Id extends string> = Id extends `${infer Code}/${string}` ? Code : Id;
/** Codes are stable: histories and clients hold them. */
export type ProblemCode = CodeOf<FindingId>;

type Names<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
/** The names that the place of a finding fills in. */
type PlaceName = 'block' | 'field';
/** What the words of a finding are filled in with. */
export type Values<Id extends FindingId> = Record<
  Exclude<Names<(typeof FINDINGS)[Id]['message' | 'hint']>, PlaceName>,
  string | number
> & { [Name in PlaceName]?: string };

export interface Problem {
  code: ProblemCode;
  severity: Severity;
  /** The block's name, or null when no single block is to blame. */
  block: string | null;
  field: string | null;
  message: string;
  hint: string | null;
  was_there_before: boolean;
}

/** A problem with a key that names the same fault in two versions of a graph. */
export interface Finding {
  key: string;
  code: ProblemCode;
  severity: Severity;
  /** The block of the problem. */
  block: string | null;
  /** Created when it is first read: a faulty graph has many findings, and only new ones are shown. */
  readonly problem: Problem;
  /** The `referenceKey` of the reference, for a finding about one. */
  reference?: string;
}

/** Where a problem is. */
export interface Place {
  block: string | null;
  field: string | null;
  /** The key of the reference, for a finding about one. */
  reference?: string;
}

function codeOf(id: FindingId): ProblemCode {
  return id.split('/')[0] as ProblemCode;
}

/** All codes. */
export const PROBLEM_CODES: readonly ProblemCode[] = [
  ...new Set((Object.keys(FINDINGS) as FindingId[]).map(codeOf)),
];

/** Creates a problem that the graph did not have before. */
export function problem<Id extends FindingId>(id: Id, { block, field }: Place, values: Values<Id>): Problem {
  const { severity, message, hint } = FINDINGS[id];
  const words = { block: block ?? '', field: field ?? '', ...values };
  return {
    code: codeOf(id),
    severity,
    block,
    field,
    message: fill(message, words),
    hint: fill(hint, words),
    was_there_before: false,
  };
}

function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

/**
 * Creates a finding. `key` tells it from others of its code. Values that are expensive to compute are passed as a function,
 * which is called only for the few findings that are shown.
 */
export function finding<Id extends FindingId>(
  id: Id,
  key: string,
  place: Place,
  values: Values<Id> | (() => Values<Id>),
): Finding {
  const code = codeOf(id);
  const { block, reference } = place;
  return {
    key: `${code} ${key}`,
    code,
    severity: FINDINGS[id].severity,
    block,
    ...(reference === undefined ? {} : { reference }),
    get problem() {
      return problem(id, place, typeof values === 'function' ? values() : values);
    },
  };
}

/** Names in one message or hint at most. */
export const MAX_LISTED = 20;

/** The first names of a list. */
export function listed(names: readonly string[]): string {
  return names.length <= MAX_LISTED ? names.join(', ') : `${names.slice(0, MAX_LISTED).join(', ')}, ...`;
}
