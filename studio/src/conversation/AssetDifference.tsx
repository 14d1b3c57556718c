import { useMemo, useState } from 'react';
import { type Json, visibleJson, visibleText } from '../../../client/src/index.ts';
import { showJson } from '../store/json.ts';
import { compareAssets, type DifferenceLine, type FieldDifference } from './field-changes.ts';

const SHOWN_LINES = 40;
const SHOWN_CHARS = 4_000;
const MARKS = { added: '+ Set', changed: '~ Changed', removed: '− Removed' } as const;

/** Before and after, field by field; what stays is only named. */
export function AssetDifference({ before, after }: { before: Json; after: Json }) {
  const { changes, same } = useMemo(
    () => compareAssets(visibleJson(before), visibleJson(after)),
    [before, after],
  );
  return (
    <div className="difference">
      {changes.length > 0 && (
        <dl aria-label="Before and after" tabIndex={0}>
          {changes.map((change) => (
            <FieldRow key={change.field} change={change} isPlain={before === null || after === null} />
          ))}
        </dl>
      )}
      {same.length > 0 && (
        <p className="soft">
          Stays as it is: <bdi>{same.join(', ')}</bdi>
        </p>
      )}
      <WholeAsset before={before} after={after} />
    </div>
  );
}

/** In a thing that comes or goes whole, each field does so, too: only a change needs a mark. */
function FieldRow({ change, isPlain }: { change: FieldDifference; isPlain: boolean }) {
  const [isWhole, setWhole] = useState(false);
  const { field, kind, lines } = change;
  const shown = isWhole ? lines : clip(lines);
  return (
    <div className="difference-field">
      <dt>
        <bdi>{field}</bdi>
        {!isPlain && <span className={`badge badge-${kind}`}>{MARKS[kind]}</span>}
      </dt>
      <dd>
        {shown.map((line, index) => (
          <Line key={index} line={line} />
        ))}
        {shown !== lines && (
          <button type="button" className="text-button" onClick={() => setWhole(true)}>
            Show all of it
          </button>
        )}
      </dd>
    </div>
  );
}

const CLASSES = { '+': 'line line-added', '−': 'line line-removed', ' ': 'line' } as const;

function Line({ line: { sign, text } }: { line: DifferenceLine }) {
  return (
    <div className={CLASSES[sign]}>
      <span className="line-sign">{sign}</span>
      <span className="hidden-text">{sign === '+' ? 'After: ' : sign === '−' ? 'Before: ' : ''}</span>
      <span className="line-text" dir="auto">
        {text}
      </span>
    </div>
  );
}

/** The same list where all of it is short. */
function clip(lines: readonly DifferenceLine[]): readonly DifferenceLine[] {
  let chars = 0;
  const fitting = lines.findIndex((line, index) => {
    chars += line.text.length;
    return index >= SHOWN_LINES || chars > SHOWN_CHARS;
  });
  if (fitting < 0) return lines;
  const [first] = lines;
  return fitting === 0 && first
    ? [{ ...first, text: `${first.text.slice(0, SHOWN_CHARS)}…` }]
    : lines.slice(0, fitting);
}

function WholeAsset({ before, after }: { before: Json; after: Json }) {
  const [isOpen, setOpen] = useState(false);
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Whole record</summary>
      {isOpen && (
        <pre className="long-text" tabIndex={0} role="group" aria-label="Whole record">
          {visibleText(showJson(after ?? before))}
        </pre>
      )}
    </details>
  );
}
