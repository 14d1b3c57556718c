import { memo } from 'react';
import type { Message, TurnView } from '../../../client/src/index.ts';
import { Icon } from '../design/Icon.tsx';
import { useStudio } from '../store/studio.ts';
import { Markdown } from '../text/Markdown.tsx';
import { AnswerFoot } from './AnswerFoot.tsx';
import { Calls } from './Calls.tsx';
import { Confirmations } from './Confirmations.tsx';
import { FailureNote } from './FailureNote.tsx';
import { ProposalNote } from './ProposalNote.tsx';
import { Reasoning } from './Reasoning.tsx';
import { toAnswer } from './to-answer.ts';

/** One answer of the copilot: what it did, what it asks, what it says, and what came of it. */
export const Answer = memo(function Answer({
  message,
  view,
}: {
  message: Message | null;
  view: TurnView | null;
}) {
  const isRunning = useStudio(({ isRunning: runs }) => runs && message === null && view?.end == null);
  const answer = toAnswer(message, view);
  return (
    <article className="message message-answer" aria-label="Answer of the copilot">
      <h3 className="message-who">
        <span className="message-mark" aria-hidden="true">
          <Icon name="agent" size={14} />
        </span>
        Copilot
        {answer.model !== null && (
          <span className="message-model">
            <bdi>{answer.model}</bdi>
          </span>
        )}
      </h3>
      <Reasoning reasoning={answer.reasoning} isRunning={isRunning} />
      <Calls calls={answer.calls} isRunning={isRunning} />
      {answer.isWorkOmitted && (
        <p className="soft">What the copilot did is too large for this list: “Events” below has all of it.</p>
      )}
      {answer.areCallsDeleted && <p className="soft">The tool calls of this old answer were deleted.</p>}
      {/* Read out once it is whole: while it is busy, its parts are not news. */}
      <div aria-live={view === null ? undefined : 'polite'} aria-busy={isRunning}>
        {answer.text !== '' && <Markdown text={answer.text} isGrowing={isRunning} />}
      </div>
      {answer.isTextCut && <p className="soft">The rest of this very long answer is not shown.</p>}
      {view !== null && <Confirmations view={view} isRunning={isRunning} />}
      {isRunning && answer.text === '' && answer.calls.length === 0 && <Waiting />}
      {!isRunning && <FailureNote answer={answer} />}
      {!isRunning && <ProposalNote message={message} diff={answer.diff} messageId={answer.messageId} />}
      {!isRunning && <AnswerFoot answer={answer} hasEvents={view !== null} />}
    </article>
  );
});

/** Stands where the answer will be. */
function Waiting() {
  return (
    <div className="waiting" aria-hidden="true">
      <span />
      <span />
      <span />
    </div>
  );
}
