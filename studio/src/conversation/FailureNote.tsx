import { useEffect } from 'react';
import { Icon } from '../design/Icon.tsx';
import { useStudio } from '../store/studio.ts';
import { focusMessage } from './focus.ts';
import { ProblemNote } from './ProblemNote.tsx';
import { adviceFor } from './problems.ts';
import type { AnswerView } from './to-answer.ts';
import { useTurnRecord } from './use-turn-record.ts';

const STOPS: Readonly<Partial<Record<string, string>>> = {
  step_limit: 'The copilot used all of its steps. Ask it to go on.',
  loop: 'The copilot was repeating itself and was stopped. Say it in other words.',
  budget: 'The turn used up its budget of calls, time, tokens or money. Ask it to go on.',
};

/** Why an answer is not a whole one, and what to do about it. */
export function FailureNote({ answer }: { answer: AnswerView }) {
  const { status, stopReason, error } = answer;
  if (status === 'failed') return <Failed answer={answer} known={error} />;
  if (status === 'cancelled')
    return (
      <p className="stop-note">
        <Icon name="stop" size={14} /> Cancelled. What was done so far is kept.
      </p>
    );
  const stop = stopReason === null ? undefined : STOPS[stopReason];
  if (stop === undefined) return null;
  return (
    <p className="stop-note">
      <Icon name="warning" size={14} /> {stop}
    </p>
  );
}

/** The store keeps that a turn has failed, and its events say why. */
function Failed({ answer, known }: { answer: AnswerView; known: AnswerView['error'] }) {
  const { record, load } = useTurnRecord(answer.turnId);
  const isNewest = useStudio(({ messages }) => messages.at(-1)?.id === answer.messageId);
  const isUnknown = known === null;
  useEffect(() => {
    if (isUnknown && isNewest) load();
  }, [isUnknown, isNewest, load]);
  const error = known ?? record.view?.error ?? null;
  if (error) {
    return (
      <ProblemNote problem={error}>{isNewest && adviceFor(error.code).canRetry && <SendAgain />}</ProblemNote>
    );
  }
  return (
    <div className="problem-note">
      <Icon name="warning" />
      <div>
        <p>
          <strong>This turn failed.</strong> What was done before is kept.
        </p>
        {record.state === 'idle' && (
          <button type="button" className="text-button" onClick={load}>
            Show why
          </button>
        )}
        {record.state === 'failed' && <p className="problem">{record.problem}</p>}
      </div>
    </div>
  );
}

/** Sends the message of the failed turn once more, unless something else is being written. */
function SendAgain() {
  const text = useStudio(({ messages }) => messages.findLast(({ role }) => role === 'user')?.content ?? '');
  const isRunning = useStudio((studio) => studio.isRunning);
  const draft = useStudio((studio) => studio.draft);
  const setDraft = useStudio((studio) => studio.setDraft);
  const sendDraft = useStudio((studio) => studio.sendDraft);
  if (isRunning || text === '' || draft !== '') return null;
  return (
    <button
      type="button"
      className="button"
      onClick={() => {
        focusMessage();
        setDraft(text);
        void sendDraft();
      }}
    >
      Send again
    </button>
  );
}
