import { useEffect, useState } from 'react';
import { useStudio } from '../store/studio.ts';
import { CopyButton } from '../text/CopyButton.tsx';
import { formatCost, formatShort, formatTime, formatWhole } from '../text/numbers.ts';
import { RawEvents } from './RawEvents.tsx';
import { TemporalLink } from './TemporalLink.tsx';
import type { AnswerView } from './to-answer.ts';
import { useTurnRecord } from './use-turn-record.ts';

/** When the answer came, what it cost, and the events that it is made of. */
export function AnswerFoot({ answer, hasEvents }: { answer: AnswerView; hasEvents: boolean }) {
  const [isOpen, setOpen] = useState(false);
  const { usage, createdAt, turnId, text } = answer;
  return (
    <>
      <footer className="answer-foot">
        {createdAt !== null && <time dateTime={createdAt}>{formatTime(createdAt)}</time>}
        {usage && usage.calls > 0 && (
          <span
            title={`${formatWhole(usage.input_tokens)} tokens read (${formatWhole(usage.cached_tokens)} cached), ${formatWhole(usage.output_tokens)} written (${formatWhole(usage.reasoning_tokens)} reasoning), ${formatWhole(usage.calls)} calls of the model`}
          >
            {formatShort(usage.input_tokens)} in, {formatShort(usage.output_tokens)} out
          </span>
        )}
        {usage && usage.cost_usd !== null && <span>{formatCost(Number(usage.cost_usd))}</span>}
        <span className="answer-foot-buttons">
          {text !== '' && <CopyButton text={text} what="answer" />}
          {turnId !== null && (
            <button
              type="button"
              className="text-button"
              aria-expanded={isOpen}
              onClick={() => setOpen(!isOpen)}
            >
              Events
            </button>
          )}
        </span>
      </footer>
      {isOpen && turnId !== null && <TemporalLink turnId={turnId} />}
      {isOpen && (hasEvents ? <FollowedEvents /> : <StoredEvents turnId={turnId} />)}
    </>
  );
}

function FollowedEvents() {
  const events = useStudio((studio) => studio.turnEvents);
  return <RawEvents events={events} />;
}

function StoredEvents({ turnId }: { turnId: string | null }) {
  const { record, load } = useTurnRecord(turnId);
  useEffect(load, [load]);
  if (record.state === 'failed')
    return (
      <p className="problem" role="alert">
        {record.problem}{' '}
        <button type="button" className="text-button" onClick={load}>
          Try again
        </button>
      </p>
    );
  return record.state === 'ready' ? (
    <RawEvents events={record.events} />
  ) : (
    <p className="soft">Loading the events…</p>
  );
}
