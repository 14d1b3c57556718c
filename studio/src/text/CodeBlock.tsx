import { CopyButton } from './CopyButton.tsx';

/** Code of an answer, as it is. */
export function CodeBlock({ text, language }: { text: string; language: string }) {
  return (
    <div className="code">
      <div className="code-head">
        <bdi>{language.slice(0, 40) || 'text'}</bdi>
        <CopyButton text={text} what="code" />
      </div>
      <pre tabIndex={0} role="group" aria-label="Code">
        <code>{text}</code>
      </pre>
    </div>
  );
}
