/** What the rules find: problems, and how the same fault is recognised in two versions of a graph. */

/** Every code there is. docs/graph-rules.md says what each means. */
export const PROBLEM_CODES = [
  'agent_id_with_inline',
  'ambiguous_name',
  'branch_without_edge',
  'code_empty',
  'code_input',
  'code_no_output',
  'code_not_upstream',
  'code_syntax',
  'code_too_long',
  'code_unknown_block',
  'config_too_large',
  'dangling_edge',
  'dead_end',
  'duplicate_edge',
  'duplicate_id',
  'duplicate_name',
  'edge_cycle',
  'edge_into_trigger',
  'edge_out_of_response',
  'empty_edit',
  'expression_syntax',
  'field_of_text',
  'handle_not_allowed',
  'handle_required',
  'invalid_config',
  'invalid_edit',
  'invalid_name',
  'isolated',
  'locked_field',
  'missing_config',
  'no_trigger',
  'nothing_changed',
  'placeholder',
  'reference_may_be_skipped',
  'reference_not_upstream',
  'reference_to_itself',
  'reference_to_missing_block',
  'second_trigger',
  'secret_literal',
  'self_edge',
  'server_owned_field',
  'shortcut_edge',
  'too_many_blocks',
  'too_many_edges',
  'type_word_input',
  'unknown_agent',
  'unknown_block',
  'unknown_block_type',
  'unknown_config_key',
  'unknown_edge',
  'unknown_handle',
  'unknown_knowledge_base',
  'unknown_model',
  'unknown_output_field',
  'unknown_source',
  'unreachable',
  'url_private_host',
  'url_scheme',
  'url_template_host',
] as const;
export type ProblemCode = (typeof PROBLEM_CODES)[number];

export interface Problem {
  /** Stable: histories and clients hold it. */
  code: ProblemCode;
  /** `error` rejects an edit that introduces it. */
  severity: 'error' | 'warning' | 'info';
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
  severity: Problem['severity'];
  /** As the problem names it. */
  block: string | null;
  /** Made when it is read: of a faulty graph's many findings only the new ones are ever told. */
  readonly problem: Problem;
  /** For a fault of a reference: which one, as `referenceKey` writes it. */
  reference?: string;
}

/** Makes a problem that the graph did not have before. */
export function problem(
  severity: Problem['severity'],
  code: ProblemCode,
  block: string | null,
  message: string,
  hint: string | null = null,
  field: string | null = null,
): Problem {
  return { code, severity, block, field, message, hint, was_there_before: false };
}

export function finding(key: string, found: Problem): Finding {
  const { code, severity, block } = found;
  return { key: `${code} ${key}`, code, severity, block, problem: found };
}

/** A finding whose problem costs something to describe: `make` is called for the few that are told. */
export function lazyFinding(
  facts: Pick<Problem, 'severity' | 'code' | 'block'>,
  key: string,
  make: () => Problem,
  reference?: string,
): Finding {
  return {
    key: `${facts.code} ${key}`,
    code: facts.code,
    severity: facts.severity,
    block: facts.block,
    ...(reference === undefined ? {} : { reference }),
    get problem() {
      return make();
    },
  };
}

/** Names in one message or hint at most. */
export const MAX_LISTED = 20;

/** The first names of a list. */
export function listed(names: readonly string[]): string {
  return names.length <= MAX_LISTED ? names.join(', ') : `${names.slice(0, MAX_LISTED).join(', ')}, ...`;
}
