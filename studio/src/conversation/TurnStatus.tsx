import { useEffect, useState } from 'react';
import { type Studio, useStudio } from '../store/studio.ts';
import { readableText } from '../text/readable-text.ts';
import { formatDuration } from '../text/numbers.ts';

/** What happens just now, in one line that screen readers follow. It never changes with the parts of an answer. */
export function TurnStatus() {
  const text = useStudio(statusText);
  const isRunning = useStudio((studio) => studio.isRunning);
  const isLost = useStudio(({ isRunning: runs, link }) => runs && link === 'reconnecting');
  return (
    <div
      className="turn-status"
      data-running={isRunning ? '' : undefined}
      data-lost={isLost ? '' : undefined}
    >
      <span className="turn-status-mark" aria-hidden="true" />
      <span role="status" dir="auto">
        {text}
      </span>
      {isRunning && <Elapsed />}
    </div>
  );
}

function statusText(studio: Studio): string {
  const { isRunning, isSending, isCancelling, link, turn, turnProblem, turnEvents } = studio;
  if (isRunning) {
    if (link === 'reconnecting')
      return isSending && !turn
        ? 'Reconnecting. Your message waits.'
        : 'Reconnecting. The turn goes on without this page.';
    if (!turn) return isSending ? 'Sending…' : 'Joining the running turn…';
    if (isCancelling) return 'Cancelling…';
    if (turn.confirmations.some(({ decision }) => decision === undefined)) return 'Waiting for your decision';
    if (turnEvents.at(-1)?.event === 'content_delta') return 'Answering…';
    return readableText(turn.status?.message ?? 'Working…');
  }
  if (isSending) return 'Sending…';
  if (turnProblem) return 'The answer could not be followed to its end';
  if (turn?.end === 'error') return 'The turn failed';
  if (turn?.end !== 'complete') return '';
  return turn.stopReason === 'cancelled' ? 'Cancelled' : 'Answer complete';
}

/** How long the turn has been followed here; not read out. */
function Elapsed() {
  const [startedAt] = useState(Date.now);
  const [now, setNow] = useState(startedAt);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="turn-status-time" aria-hidden="true">
      {formatDuration(now - startedAt)}
    </span>
  );
}
