/** A session's history as a model is shown it. */
import { createHash } from 'node:crypto';
import type { HistoryMessage, SessionHistory } from '../../db/turns/history.ts';
import { summarizeDiff } from '../../domain/graph/summarize-diff.ts';
import type { History, HistoryEntry } from '../../llm/prompt/prompt.ts';

/** The body of a summary's transcript row. */
export interface SummaryBody {
  content: string;
}

/** The token of one data fence: the same in every request, or they would share no prefix, and nobody can guess it. */
export function fenceToken(seed: string, of: string): string {
  return createHash('sha256').update(`${seed} ${of}`).digest('hex').slice(0, 16);
}

/** The rows of a session as the prompt takes them. */
export function toHistory({ first, summary, messages }: SessionHistory): History {
  return {
    first: first && toEntry(first),
    summary: summary && {
      content: (JSON.parse(summary.body) as SummaryBody).content,
      fence: fenceToken(summary.delimiterSeed, 'summary'),
    },
    messages: messages.map(toEntry),
  };
}

/** A message without a turn was written by someone else: its fence is made from its id, which the model never sees. */
function toEntry({ id, role, content, workflowDiff, delimiterSeed }: HistoryMessage): HistoryEntry {
  return {
    role,
    content,
    changes: workflowDiff === null ? null : summarizeDiff(workflowDiff),
    fence: fenceToken(delimiterSeed ?? id, 'changes'),
  };
}
