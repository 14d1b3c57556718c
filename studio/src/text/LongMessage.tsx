import { useMemo, useState } from 'react';
import { readableText } from './readable-text.ts';

const FIRST_CHARS = 3_000;

/** What a person wrote, as it is; a very long text is folded. */
export function LongMessage({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const shown = useMemo(() => readableText(isWhole ? text : text.slice(0, FIRST_CHARS)), [text, isWhole]);
  return (
    <div className="message-text" dir="auto">
      {shown}
      {text.length > FIRST_CHARS && (
        <button
          type="button"
          className="text-button"
          aria-expanded={isWhole}
          onClick={() => setWhole(!isWhole)}
        >
          {isWhole ? 'Show less' : '… Show all'}
        </button>
      )}
    </div>
  );
}
