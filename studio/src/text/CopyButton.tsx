import { useEffect, useState } from 'react';
import { Icon } from '../design/Icon.tsx';
import { useStudio } from '../store/studio.ts';

const SAID_MS = 2_000;

/** Copies a text. */
export function CopyButton({ text, what }: { text: string; what: string }) {
  const notify = useStudio((studio) => studio.notify);
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SAID_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  const copy = (): void => {
    // Not there on a page without TLS.
    const clipboard: Clipboard | undefined = navigator.clipboard;
    if (clipboard)
      clipboard.writeText(text).then(
        () => setCopied(true),
        () => notify('problem', 'The browser did not allow copying.'),
      );
    else notify('problem', 'The browser allows copying on a secure page only.');
  };
  return (
    <button type="button" className="text-button" aria-label={`Copy ${what}`} onClick={copy}>
      <Icon name={isCopied ? 'check' : 'copy'} size={14} /> {isCopied ? 'Copied' : 'Copy'}
    </button>
  );
}
