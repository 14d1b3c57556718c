import { useMemo, useState } from 'react';
import { visibleText } from '../../../client/src/index.ts';
import { formatWhole } from './numbers.ts';

const PAGE_CHARS = 20_000;
const FIRST_CHARS = 4_000;

/** Text of any length, of a tool or the project: a part of it at first, more on demand, with nothing hidden in it. */
export function LongText({ text, label }: { text: string; label: string }) {
  const [shownChars, setShownChars] = useState(FIRST_CHARS);
  const shown = useMemo(() => visibleText(text.slice(0, shownChars)), [text, shownChars]);
  const more = text.length - shownChars;
  return (
    <>
      <pre className="long-text" dir="auto" tabIndex={0} role="group" aria-label={label}>
        {shown}
      </pre>
      {more > 0 && (
        <button type="button" className="text-button" onClick={() => setShownChars(shownChars + PAGE_CHARS)}>
          Show more ({formatWhole(more)} characters are not shown)
        </button>
      )}
    </>
  );
}
