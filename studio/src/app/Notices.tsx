import { useEffect } from 'react';
import { Icon } from '../design/Icon.tsx';
import type { Notice } from '../store/notices.ts';
import { useStudio } from '../store/studio.ts';

const NOTE_SHOWN_MS = 6_000;

/** Short messages at the lower edge. */
export function Notices() {
  const notices = useStudio((studio) => studio.notices);
  return (
    <div className="notices" role="log" aria-label="Notices">
      {notices.map((notice) => (
        <NoticeLine key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function NoticeLine({ notice }: { notice: Notice }) {
  const dismiss = useStudio((studio) => studio.dismissNotice);
  const { id, kind, text } = notice;
  useEffect(() => {
    if (kind !== 'note') return;
    const timer = setTimeout(() => dismiss(id), NOTE_SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id, kind, dismiss]);
  return (
    <div className="notice" data-kind={kind}>
      <p>{text}</p>
      <button
        type="button"
        className="button button-quiet button-icon"
        aria-label="Dismiss"
        onClick={() => dismiss(id)}
      >
        <Icon name="close" />
      </button>
    </div>
  );
}
