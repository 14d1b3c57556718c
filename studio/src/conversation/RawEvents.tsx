import { memo, useState } from 'react';
import { type TurnEvent, visibleText } from '../../../client/src/index.ts';
import { LongText } from '../text/LongText.tsx';
import { formatWhole } from '../text/numbers.ts';

const PAGE = 100;
const LINE_CHARS = 160;

/** A turn's events as they came, by their number: a page of them at a time. */
export function RawEvents({ events }: { events: readonly TurnEvent[] }) {
  const last = Math.max(0, Math.ceil(events.length / PAGE) - 1);
  const [page, setPage] = useState<number | null>(null);
  const shown = Math.min(page ?? 0, last);
  const first = shown * PAGE;
  return (
    <section className="raw" aria-label="Events">
      <div className="raw-head">
        <span>
          {formatWhole(events.length)} events
          {last > 0 && `, ${formatWhole(first + 1)} to ${formatWhole(Math.min(events.length, first + PAGE))}`}
        </span>
        {last > 0 && (
          <span>
            <button
              type="button"
              className="text-button"
              aria-disabled={shown === 0}
              onClick={() => setPage(Math.max(0, shown - 1))}
            >
              Earlier
            </button>{' '}
            <button
              type="button"
              className="text-button"
              aria-disabled={shown === last}
              onClick={() => setPage(Math.min(last, shown + 1))}
            >
              Later
            </button>
          </span>
        )}
      </div>
      <ol className="raw-list">
        {events.slice(first, first + PAGE).map((event, index) => (
          <RawEvent key={event.seq ?? `live ${first + index}`} event={event} />
        ))}
      </ol>
    </section>
  );
}

const RawEvent = memo(function RawEvent({ event }: { event: TurnEvent }) {
  const [isOpen, setOpen] = useState(false);
  const { event: name, seq, ...payload } = event;
  return (
    <li>
      <details open={isOpen} onToggle={(toggled) => setOpen(toggled.currentTarget.open)}>
        <summary>
          <span className="raw-seq">{seq ?? 'live'}</span>
          <span className="raw-name">{name}</span>
          <span className="raw-line">
            <bdi>{visibleText(JSON.stringify(payload).slice(0, LINE_CHARS))}</bdi>
          </span>
        </summary>
        {isOpen && <LongText text={JSON.stringify(event, null, 2)} label={`Event ${seq ?? 'live'}`} />}
      </details>
    </li>
  );
});
