/**
 * What a dry run assumes where the platform's rule is not published. A result names only the assumptions that its run has
 * made. Those marked "known" were seen on the platform.
 */
export const ASSUMPTIONS = {
  disabled_is_skipped: 'A disabled block is skipped, and so is what only it leads to.',
  expression_fails:
    'An expression that fails counts as false, and the next branch is tried (known for a reference that stands for nothing).',
  failure_stops_below: 'Nothing runs below a block that fails.',
  join_runs_once:
    'A block with several edges into it runs once when at least one of them is taken, and does not wait for the others.',
  join_waits: 'A block that several branches lead to waits for all of them and runs once.',
  parallel_edges: 'All edges out of one output are taken, side by side.',
  reference_stays: 'A reference that stands for nothing stays in the text as it is (known).',
  type_is_kept: 'A config value that is one reference alone keeps the type of the output.',
  whole_answer: 'The output given for an HTTP request is its body; the status is 200.',
} as const;

export type AssumptionId = keyof typeof ASSUMPTIONS;
