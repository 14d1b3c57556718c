import { memo, useEffect, useId, useRef, useState } from 'react';
import type { ConfirmationView } from '../../../client/src/index.ts';
import { visibleText } from '../../../client/src/index.ts';
import { Icon } from '../design/Icon.tsx';
import { useStudio } from '../store/studio.ts';
import { AssetDifference } from './AssetDifference.tsx';
import { describeDecision } from './describe-decision.ts';
import { MESSAGE_ID } from './focus.ts';
import { formatDuration } from '../text/numbers.ts';

const LABELS: Readonly<Record<string, string>> = {
  create: 'Create',
  update: 'Change',
  delete: 'Delete',
};

/** A change of the project that waits for a person: what it is, what it breaks, and until when it can be decided. */
export const ConfirmationCard = memo(function ConfirmationCard(props: {
  asked: ConfirmationView;
  isRunning: boolean;
  isNewest: boolean;
}) {
  const { asked, isRunning, isNewest } = props;
  const answer = useStudio(({ answers }) => answers[asked.callId]);
  const titleId = useId();
  const card = useRef<HTMLElement>(null);
  const isOpen = asked.decision === undefined && isRunning;
  useFocus(card, isOpen);
  const action = typeof asked.arguments.action === 'string' ? asked.arguments.action : '';
  const [what, effects] = splitSummary(asked.summary);
  return (
    <section
      ref={card}
      className="confirmation"
      role={isNewest ? 'region' : 'group'}
      aria-label={isNewest ? 'Confirmation' : 'Earlier confirmation'}
      aria-describedby={titleId}
      data-decision={asked.decision ?? (isOpen ? 'open' : 'none')}
      data-action={action}
      tabIndex={-1}
    >
      <header className="confirmation-head">
        <Icon name={action === 'delete' ? 'warning' : 'key'} />
        <strong>{isOpen ? 'Your decision is needed' : 'Confirmation'}</strong>
        {Object.hasOwn(LABELS, action) && (
          <span className={`badge ${badgeOf(action)}`}>{LABELS[action]}</span>
        )}
        {isOpen && <Countdown until={asked.expiresAt} />}
      </header>
      <p id={titleId} className="confirmation-summary" dir="auto">
        {visibleText(what)}
      </p>
      {effects !== '' && (
        <div className="confirmation-effects">
          <strong>What it breaks</strong>
          <p dir="auto">{visibleText(effects)}</p>
        </div>
      )}
      <AssetDifference before={asked.before} after={asked.after} />
      {isOpen ? <Buttons asked={asked} /> : <Decided asked={asked} />}
      {answer?.problem != null && answer.state !== 'taken' && (
        <p className="problem" role="alert" dir="auto">
          {visibleText(answer.problem)}
        </p>
      )}
    </section>
  );
});

function badgeOf(action: string): string {
  return action === 'create' ? 'badge-added' : action === 'delete' ? 'badge-removed' : 'badge-changed';
}

/** The service words what depends on a deleted asset after "With it:". */
function splitSummary(summary: string): [what: string, effects: string] {
  const at = summary.indexOf(' With it: ');
  return at < 0 ? [summary, ''] : [summary.slice(0, at), summary.slice(at + ' With it: '.length)];
}

/** Takes the focus when the question appears and nobody is typing, and keeps it when the buttons go. */
function useFocus(card: React.RefObject<HTMLElement | null>, isOpen: boolean): void {
  const draft = useStudio((studio) => studio.draft);
  const mayTake = useRef(draft === '');
  const wasOpen = useRef(false);
  useEffect(() => {
    mayTake.current = draft === '';
  }, [draft]);
  useEffect(() => {
    const element = card.current;
    const focused = document.activeElement;
    const isFree = focused === document.body || (focused?.id === MESSAGE_ID && mayTake.current);
    const isInside = element?.contains(focused) === true;
    if (isOpen && isFree) element?.focus();
    else if (!isOpen && wasOpen.current && (isInside || focused === document.body)) element?.focus();
    wasOpen.current = isOpen;
  }, [card, isOpen]);
}

function Buttons({ asked }: { asked: ConfirmationView }) {
  const answer = useStudio(({ answers }) => answers[asked.callId]);
  const decide = useStudio((studio) => studio.decide);
  const [isRejecting, setRejecting] = useState(false);
  const [reason, setReason] = useState('');
  const reasonBox = useRef<HTMLTextAreaElement>(null);
  const isOver = useIsOver(asked.expiresAt);
  const isBusy = answer !== undefined && answer.state !== 'failed';
  const isOff = isBusy || isOver;
  useEffect(() => {
    if (isRejecting) reasonBox.current?.focus();
  }, [isRejecting]);
  return (
    <div className="confirmation-foot">
      {isRejecting && (
        <label className="field">
          <span>Reason, if you like: the copilot reads it</span>
          <textarea
            ref={reasonBox}
            rows={2}
            maxLength={2_000}
            dir="auto"
            value={reason}
            readOnly={isOff}
            onChange={(event) => setReason(event.target.value)}
          />
        </label>
      )}
      <div className="confirmation-buttons">
        {!isRejecting && (
          <button type="button" className="text-button" disabled={isOff} onClick={() => setRejecting(true)}>
            Give a reason
          </button>
        )}
        <button
          type="button"
          className="button"
          disabled={isOff}
          onClick={() => void decide(asked.callId, false, reason)}
        >
          {isBusy && !answer.approved ? 'Rejecting…' : 'Reject'}
        </button>
        <button
          type="button"
          className="button button-primary"
          disabled={isOff}
          onClick={() => void decide(asked.callId, true, '')}
        >
          {isBusy && answer.approved ? 'Approving…' : 'Approve'}
        </button>
      </div>
      {isOver && <p className="soft">The time is over. The service is about to say so.</p>}
    </div>
  );
}

function Decided({ asked }: { asked: ConfirmationView }) {
  const answer = useStudio(({ answers }) => answers[asked.callId]);
  const { words, isGood } = describeDecision(asked, answer);
  return (
    <p className="confirmation-decided" data-good={isGood ? '' : undefined} dir="auto">
      <Icon name={isGood ? 'check' : 'close'} /> {words}
    </p>
  );
}

function Countdown({ until }: { until: string }) {
  const left = useTimeLeft(until);
  return (
    <span className="confirmation-time" role="timer" aria-label="Time left to decide">
      <Icon name="clock" size={14} /> {formatDuration(left)} left
    </span>
  );
}

function useTimeLeft(until: string): number {
  const [left, setLeft] = useState(() => Date.parse(until) - Date.now());
  useEffect(() => {
    const timer = setInterval(() => setLeft(Date.parse(until) - Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [until]);
  return Math.max(0, left);
}

function useIsOver(until: string): boolean {
  return useTimeLeft(until) === 0;
}
