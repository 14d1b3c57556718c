import { type ReactNode, useRef } from 'react';
import { useStudio } from '../store/studio.ts';
import { Divider } from './Divider.tsx';
import { useNarrow } from './use-narrow.ts';

const TABS = [
  ['conversation', 'Conversation'],
  ['canvas', 'Canvas'],
] as const;

/** Canvas at the left, conversation at the right; one at a time where the page is narrow. */
export function Panes({
  top,
  canvas,
  conversation,
}: {
  top: ReactNode;
  canvas: ReactNode;
  conversation: ReactNode;
}) {
  const tab = useStudio((studio) => studio.tab);
  const isNarrow = useNarrow();
  const panes = useRef<HTMLDivElement>(null);
  const hidden = (pane: typeof tab): '' | undefined => (isNarrow && tab !== pane ? '' : undefined);
  return (
    <div className="shell">
      {top}
      {isNarrow && (
        <nav aria-label="Panes">
          <Tabs />
        </nav>
      )}
      <main className="panes" ref={panes}>
        <section
          className="pane pane-canvas"
          id="pane-canvas"
          aria-label="Canvas"
          data-hidden={hidden('canvas')}
        >
          {canvas}
        </section>
        {!isNarrow && <Divider panes={panes} />}
        <section
          className="pane pane-conversation"
          id="pane-conversation"
          aria-label="Conversation"
          data-hidden={hidden('conversation')}
        >
          {conversation}
        </section>
      </main>
    </div>
  );
}

function Tabs() {
  const tab = useStudio((studio) => studio.tab);
  const setTab = useStudio((studio) => studio.setTab);
  const list = useRef<HTMLDivElement>(null);
  return (
    <div
      className="tabs"
      role="tablist"
      aria-label="What is shown"
      ref={list}
      onKeyDown={(event) => {
        if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
        event.preventDefault();
        setTab(tab === 'canvas' ? 'conversation' : 'canvas');
        list.current?.querySelector<HTMLElement>('[aria-selected="false"]')?.focus();
      }}
    >
      {TABS.map(([name, label]) => (
        <button
          key={name}
          type="button"
          role="tab"
          className="tab"
          aria-selected={tab === name}
          aria-controls={`pane-${name}`}
          tabIndex={tab === name ? 0 : -1}
          onClick={() => setTab(name)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
