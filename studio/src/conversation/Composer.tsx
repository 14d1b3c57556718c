import type { KeyboardEvent } from 'react';
import { Icon } from '../design/Icon.tsx';
import { MAX_MESSAGE_CHARS } from '../store/draft.ts';
import { useStudio } from '../store/studio.ts';
import { focusMessage, MESSAGE_ID } from './focus.ts';
import { formatWhole } from '../text/numbers.ts';
import { ProblemNote } from './ProblemNote.tsx';

/** From here on the length is told. */
const COUNTED_CHARS = 28_000;

/** Where a message is written. Enter sends it, Shift and Enter break the line. */
export function Composer() {
  const draft = useStudio((studio) => studio.draft);
  const isSending = useStudio((studio) => studio.isSending);
  const isRunning = useStudio((studio) => studio.isRunning);
  const isReady = useStudio(({ workflow, workflowState }) => workflow !== null && workflowState !== 'failed');
  const setDraft = useStudio((studio) => studio.setDraft);
  const sendDraft = useStudio((studio) => studio.sendDraft);
  const length = draft.trim().length;
  const isTooLong = length > MAX_MESSAGE_CHARS;
  const canSend = isReady && !isRunning && !isSending && length > 0 && !isTooLong;
  const onKeyDown = (event: KeyboardEvent): void => {
    // While an input method composes, Enter chooses a word. Some browsers say so by the key's code only.
    const isComposing = event.nativeEvent.isComposing || event.keyCode === 229;
    if (event.key !== 'Enter' || event.shiftKey || isComposing) return;
    event.preventDefault();
    void sendDraft();
  };
  return (
    <form
      className="composer"
      aria-label="New message"
      onSubmit={(event) => {
        event.preventDefault();
        focusMessage();
        void sendDraft();
      }}
    >
      <SendProblem />
      <div className="composer-box">
        <textarea
          id={MESSAGE_ID}
          aria-label="Message"
          aria-describedby="message-hint"
          aria-invalid={isTooLong || undefined}
          placeholder="Ask the copilot, or tell it what to build"
          rows={2}
          dir="auto"
          readOnly={isSending}
          value={draft}
          onChange={(event) => setDraft(event.target.value)}
          onKeyDown={onKeyDown}
        />
        <div className="composer-row">
          <span id="message-hint" className={isRunning ? 'hidden-text' : 'composer-hint'}>
            {length > COUNTED_CHARS ? (
              <span className={isTooLong ? 'problem' : ''}>
                {formatWhole(length)} of {formatWhole(MAX_MESSAGE_CHARS)} characters
              </span>
            ) : (
              'Enter sends, Shift+Enter breaks the line'
            )}
          </span>
          {isRunning && <span className="composer-hint" />}
          {isRunning && <CancelButton />}
          {/* It stays reachable when it can do nothing: a button that is disabled under the focus loses it. */}
          <button type="submit" className="button button-primary" aria-disabled={!canSend}>
            <Icon name="send" /> Send
          </button>
        </div>
      </div>
    </form>
  );
}

function CancelButton() {
  const isCancelling = useStudio((studio) => studio.isCancelling);
  const cancelTurn = useStudio((studio) => studio.cancelTurn);
  return (
    <button
      type="button"
      className="button"
      aria-disabled={isCancelling}
      onClick={() => {
        focusMessage();
        void cancelTurn();
      }}
    >
      <Icon name="stop" /> Cancel turn
    </button>
  );
}

function SendProblem() {
  const problem = useStudio((studio) => studio.sendProblem);
  const dismiss = useStudio((studio) => studio.dismissSendProblem);
  if (!problem) return null;
  return (
    <ProblemNote problem={problem}>
      <button
        type="button"
        className="button button-quiet"
        onClick={() => {
          focusMessage();
          dismiss();
        }}
      >
        Dismiss
      </button>
    </ProblemNote>
  );
}
