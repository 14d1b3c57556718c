import { type ConfirmationView, visibleText } from '../../../client/src/index.ts';
import type { Answer } from '../store/answer.ts';

/** What was decided, by whom or what, for people. */
export function describeDecision(
  { decision, reason }: ConfirmationView,
  answer: Answer | undefined,
): { words: string; isGood: boolean } {
  const isOwn = answer?.state === 'taken';
  const said = reason === undefined || reason === '' ? '' : ` Reason: ${visibleText(reason)}`;
  switch (decision) {
    case 'approved':
      return {
        words: isOwn ? 'Approved by you.' : 'Approved in another tab or by another person.',
        isGood: true,
      };
    case 'rejected':
      if (!isOwn && reason === 'cancelled')
        return { words: 'Not done: the turn was cancelled before a decision.', isGood: false };
      return {
        words: `${isOwn ? 'Rejected by you.' : 'Rejected in another tab or by another person.'}${said}`,
        isGood: false,
      };
    case 'expired':
      return { words: 'Expired: nobody decided in time. Nothing was changed.', isGood: false };
    default:
      return { words: 'The turn ended before a decision. Nothing was changed.', isGood: false };
  }
}
