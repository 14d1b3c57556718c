/** What the rules find: problems, and how the same fault is recognised in two versions of a graph. */
import { FINDINGS, type Severity } from './findings.ts';

/** A row of the table: a code, with the name of its wording where the code has several. */
export type FindingId = keyof typeof FINDINGS;
type CodeOf<Id extends string> = Id extends `${infer Code}/${string}` ? Code : Id;
/** Codes are stable: histories and clients hold them. */
export type ProblemCode = CodeOf<FindingId>;

type Names<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Names<Rest> : never;
/** What the words of a finding are filled in with. */
export type Values<Id extends FindingId> = Record<
  Names<(typeof FINDINGS)[Id]['message' | 'hint']>,
  string | number
>;

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
  /** As the problem names it. */
  block: string | null;
  /** Made when it is read: of a faulty graph's many findings only the new ones are ever told. */
  readonly problem: Problem;
  /** For a fault of a reference: which one, as `referenceKey` writes it. */
  reference?: string;
}

/** Where a problem is. */
export interface Place {
  block: string | null;
  field: string | null;
  /** For a fault of a reference: which one. */
  reference?: string;
}

function codeOf(id: FindingId): ProblemCode {
  return id.split('/')[0] as ProblemCode;
}

/** Every code there is. */
export const PROBLEM_CODES: readonly ProblemCode[] = [
  ...new Set((Object.keys(FINDINGS) as FindingId[]).map(codeOf)),
];

/** Makes a problem that the graph did not have before. */
export function problem<Id extends FindingId>(id: Id, { block, field }: Place, values: Values<Id>): Problem {
  const { severity, message, hint } = FINDINGS[id];
  return {
    code: codeOf(id),
    severity,
    block,
    field,
    message: fill(message, values),
    hint: hint === null ? null : fill(hint, values),
    was_there_before: false,
  };
}

function fill(text: string, values: Readonly<Record<string, string | number>>): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => String(values[name]));
}

/**
 * Makes a finding. `key` tells it from others of its code. Values that cost something to describe are given as a
 * function, which is called for the few findings that are told.
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
