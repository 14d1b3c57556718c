import { useStudio } from '../store/studio.ts';

const SPOKEN_CHARS = 600;

/** Reads a finished answer out to screen readers, once and as a whole: never its parts as they come. */
export function Announcer() {
  const spoken = useStudio(({ turn }) =>
    turn?.end === 'complete' ? turn.text.slice(0, SPOKEN_CHARS).trim() : '',
  );
  return (
    <div className="hidden-text" aria-live="polite" aria-atomic="true">
      {spoken}
    </div>
  );
}
