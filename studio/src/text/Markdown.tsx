import { memo, useEffect, useMemo, useState } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import remend from 'remend';
import { CodeBlock } from './CodeBlock.tsx';
import { LinkText } from './LinkText.tsx';
import { readableText } from './readable-text.ts';
import { type Block, createBlockSplitter } from './split-blocks.ts';

/** More blocks than this are put on the page in several frames. */
const BLOCKS_PER_FRAME = 10;
const PLUGINS = [remarkGfm];

/**
 * Text of the model as markdown. There is no way from it to markup: raw HTML is shown as the text that it is, images are never
 * loaded, and links open only what openableAddress allows.
 */
export const Markdown = memo(function Markdown({ text, isGrowing }: { text: string; isGrowing: boolean }) {
  const [split] = useState(createBlockSplitter);
  const blocks = split(text);
  const shown = useFrames(blocks.length);
  return (
    <div className="markdown">
      {blocks.slice(0, shown).map((block, index) => (
        // A block's place is its identity: blocks are only ever added.
        <MarkdownBlock key={index} block={block} isOpen={isGrowing && index === blocks.length - 1} />
      ))}
    </div>
  );
});

/** How many of so many things are shown now; the rest follows, a few per frame. */
function useFrames(total: number): number {
  const [shown, setShown] = useState(BLOCKS_PER_FRAME);
  const isBehind = shown < total;
  useEffect(() => {
    if (!isBehind) return;
    const frame = requestAnimationFrame(() => setShown(shown + BLOCKS_PER_FRAME));
    return () => cancelAnimationFrame(frame);
  }, [isBehind, shown]);
  return Math.min(shown, total);
}

const MarkdownBlock = memo(function MarkdownBlock({ block, isOpen }: { block: Block; isOpen: boolean }) {
  const text = useMemo(() => readableText(block.text), [block.text]);
  if (block.kind === 'code') return <CodeBlock text={text} language={block.language} />;
  if (block.kind === 'plain')
    return (
      <pre className="plain" dir="auto">
        {text}
      </pre>
    );
  return (
    <div className="markdown-block" dir="auto">
      <ReactMarkdown remarkPlugins={PLUGINS} components={COMPONENTS} urlTransform={keepAddress}>
        {isOpen ? remend(text) : text}
      </ReactMarkdown>
    </div>
  );
});

/** LinkText decides; the address must reach it whole to be shown. */
function keepAddress(address: string): string {
  return address;
}

const heading = (level: 1 | 2 | 3): Components['h1'] =>
  function Heading({ children }) {
    return <h4 className={`markdown-h${level}`}>{children}</h4>;
  };

const COMPONENTS: Components = {
  a: ({ href, children }) => <LinkText href={href ?? ''}>{children}</LinkText>,
  img: ({ src, alt }) => (
    <span className="link-blocked">
      [image{alt ? `: ${alt}` : ''}, not loaded: <bdi>{src}</bdi>]
    </span>
  ),
  pre: ({ children }) => <>{children}</>,
  code({ className, children }) {
    const language = /language-(\S+)/.exec(className ?? '')?.[1];
    const text = typeof children === 'string' ? children : '';
    if (language === undefined && !text.includes('\n')) return <code>{children}</code>;
    return <CodeBlock text={text.replace(/\n$/, '')} language={language ?? ''} />;
  },
  input: ({ checked }) => <span>{checked === true ? '☑ ' : '☐ '}</span>,
  table: ({ children }) => (
    <div className="markdown-table" role="group" aria-label="Table" tabIndex={0}>
      <table>{children}</table>
    </div>
  ),
  // Under the heading of its message, whatever level the model chose.
  h1: heading(1),
  h2: heading(2),
  h3: heading(3),
  h4: heading(3),
  h5: heading(3),
  h6: heading(3),
};
