import { useReactFlow } from '@xyflow/react';
import { useState } from 'react';
import { type BlockType, visibleText } from '../../../client/src/index.ts';
import { Icon } from '../design/Icon.tsx';
import { isIconName } from '../design/icon-paths.ts';
import { Menu } from '../design/Menu.tsx';
import { isUnsaved } from '../store/graph.ts';
import { useStudio } from '../store/studio.ts';
import { addBlock, newBlock } from './graph-edits.ts';
import { BLOCK_WIDTH } from './scene.ts';
import { useShowBlock } from './use-show-block.ts';

const SHOWN_BLOCKS = 200;

/** What a person does with the canvas as a whole. */
export function Toolbar() {
  return (
    <div className="canvas-toolbar" role="toolbar" aria-label="Workflow tools">
      <Menu label="Add a block" text="Add block" icon="plus">
        {(close) => <Palette close={close} />}
      </Menu>
      <Menu label="Find a block" icon="list">
        {(close) => <BlockList close={close} />}
      </Menu>
      <History />
      <SaveButton />
    </div>
  );
}

function Palette({ close }: { close: () => void }) {
  const types = useStudio((studio) => studio.blockTypes);
  const edit = useStudio((studio) => studio.edit);
  const { screenToFlowPosition } = useReactFlow();
  const showBlock = useShowBlock();
  const add = (type: BlockType): void => {
    const { graph } = useStudio.getState();
    const area = document.querySelector('.flow')?.getBoundingClientRect();
    if (!graph || !area) return;
    const middle = screenToFlowPosition({ x: area.x + area.width / 2, y: area.y + area.height / 3 });
    const block = newBlock(graph, type, { x: middle.x - BLOCK_WIDTH / 2, y: middle.y });
    edit(addBlock(block));
    close();
    showBlock(block.id);
  };
  return (
    <ul>
      {[...types.values()].map((type) => (
        <li key={type.type}>
          <button type="button" className="menu-item palette-item" onClick={() => add(type)}>
            <Icon name={isIconName(type.type) ? type.type : 'unknown'} />
            <span>
              <strong>{type.label}</strong>
              <span className="soft">{type.purpose}</span>
            </span>
          </button>
        </li>
      ))}
    </ul>
  );
}

function BlockList({ close }: { close: () => void }) {
  const blocks = useStudio((studio) => studio.graph?.blocks);
  const showBlock = useShowBlock();
  const [text, setText] = useState('');
  const wanted = text.trim().toLowerCase();
  const found = (blocks ?? []).filter(
    ({ name, type }) => name.toLowerCase().includes(wanted) || type.includes(wanted),
  );
  return (
    <>
      <input
        type="search"
        aria-label="Name or type"
        placeholder="Name or type"
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <ul>
        {found.slice(0, SHOWN_BLOCKS).map(({ id, name, type }) => (
          <li key={id}>
            <button
              type="button"
              className="menu-item"
              onClick={() => {
                close();
                showBlock(id);
              }}
            >
              <Icon name={isIconName(type) ? type : 'unknown'} />
              <bdi className="grow">{visibleText(name)}</bdi>
            </button>
          </li>
        ))}
      </ul>
      {found.length === 0 && <p className="menu-note">No block matches.</p>}
      {found.length > SHOWN_BLOCKS && <p className="menu-note">{found.length - SHOWN_BLOCKS} more match.</p>}
    </>
  );
}

/** Steps back and forward. Their names leave the word of the proposal's button alone. */
function History() {
  const canGoBack = useStudio((studio) => studio.past.length > 0);
  const canGoForward = useStudio((studio) => studio.future.length > 0);
  const back = useStudio((studio) => studio.undoEdit);
  const forward = useStudio((studio) => studio.redoEdit);
  return (
    <>
      <button
        type="button"
        className="button button-quiet button-icon"
        aria-label="Step back"
        title="Step back (Ctrl+Z)"
        disabled={!canGoBack}
        onClick={back}
      >
        <Icon name="undo" />
      </button>
      <button
        type="button"
        className="button button-quiet button-icon"
        aria-label="Step forward"
        title="Step forward (Ctrl+Shift+Z)"
        disabled={!canGoForward}
        onClick={forward}
      >
        <Icon name="redo" />
      </button>
    </>
  );
}

function SaveButton() {
  const unsaved = useStudio(isUnsaved);
  const state = useStudio((studio) => studio.saveState);
  const problem = useStudio((studio) => studio.saveProblem);
  const save = useStudio((studio) => studio.saveGraph);
  const text =
    state === 'saving'
      ? 'Saving…'
      : state === 'failed'
        ? (problem ?? 'Not saved')
        : unsaved
          ? 'Not saved'
          : 'Saved';
  return (
    <>
      <button
        type="button"
        className={unsaved ? 'button button-primary' : 'button'}
        title="Save (Ctrl+S)"
        disabled={!unsaved || state === 'saving'}
        onClick={() => void save()}
      >
        Save
      </button>
      <span
        className={state === 'failed' ? 'save-state problem' : 'save-state soft'}
        aria-live="polite"
        data-unsaved={unsaved ? '' : undefined}
      >
        {text}
      </span>
    </>
  );
}
