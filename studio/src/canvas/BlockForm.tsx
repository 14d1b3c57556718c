import { useEffect, useState } from 'react';
import type { Block, BlockType } from '../../../client/src/index.ts';
import { Icon } from '../design/Icon.tsx';
import { isIconName } from '../design/icon-paths.ts';
import { useStudio } from '../store/studio.ts';
import { BlockConnections } from './BlockConnections.tsx';
import { ConfigField } from './ConfigField.tsx';
import { useUncovered } from './use-uncovered.ts';
import { focusCanvas } from './focus-canvas.ts';
import { changeBlock, deleteFromGraph, renameBlock, setField } from './graph-edits.ts';

const MAX_NAME_CHARS = 255;

/** The selected block: its name, its config field by field, where it leads. */
export function BlockForm() {
  const block = useStudio(({ graph, selection }) =>
    selection.length === 1 ? graph?.blocks.find(({ id }) => id === selection[0]) : undefined,
  );
  const type = useStudio(({ blockTypes }) => (block ? blockTypes.get(block.type) : undefined));
  const select = useStudio((studio) => studio.select);
  const form = useUncovered(block?.id);
  if (!block) return null;
  const close = (): void => {
    select([]);
    focusCanvas(block.id);
  };
  return (
    <aside
      ref={form}
      className="block-form"
      aria-label="Block settings"
      onKeyDown={(event) => {
        if (event.key === 'Escape') close();
      }}
    >
      <div className="block-form-head">
        <Icon name={isIconName(block.type) ? block.type : 'unknown'} />
        <h2>{type?.label ?? block.type}</h2>
        <button
          type="button"
          className="button button-quiet button-icon"
          aria-label="Close"
          title="Close"
          onClick={close}
        >
          <Icon name="close" />
        </button>
      </div>
      <p className="soft">{type?.purpose ?? 'The service does not know this type of block.'}</p>
      {/* The fields' drafts belong to one block. */}
      <BlockFields key={block.id} block={block} type={type} />
    </aside>
  );
}

function BlockFields({ block, type }: { block: Block; type: BlockType | undefined }) {
  const edit = useStudio((studio) => studio.edit);
  const fields = type?.config ?? [];
  const known = new Set(fields.map(({ name }) => name));
  const others = Object.keys(block.config).filter((name) => !known.has(name));
  return (
    <>
      <NameField block={block} />
      <label className="check">
        <input
          type="checkbox"
          checked={block.enabled}
          onChange={(event) => edit(changeBlock(block.id, { enabled: event.target.checked }))}
        />
        Enabled
      </label>
      {[
        ...fields,
        ...others.map((name) => ({ name, type: 'any' as const, required: false, description: '' })),
      ].map((field) => (
        <ConfigField
          key={field.name}
          field={field}
          value={Object.hasOwn(block.config, field.name) ? block.config[field.name] : undefined}
          onChange={(value) =>
            edit(setField(block.id, field.name, value), `config ${block.id} ${field.name}`)
          }
        />
      ))}
      <BlockConnections block={block} type={type} />
      <button
        type="button"
        className="button button-danger"
        onClick={() => {
          edit(deleteFromGraph(new Set([block.id]), new Set()));
          focusCanvas();
        }}
      >
        <Icon name="trash" /> Delete block
      </button>
    </>
  );
}

/** A name is taken over when the field is left: every reference to the block changes with it. */
function NameField({ block }: { block: Block }) {
  const edit = useStudio((studio) => studio.edit);
  const isTaken = useStudio(
    ({ graph }) => graph?.blocks.some(({ id, name }) => id !== block.id && name === block.name) === true,
  );
  const [name, setName] = useState(block.name);
  useEffect(() => setName(block.name), [block.name]);
  const take = (): void => {
    const trimmed = name.trim();
    if (trimmed === '') setName(block.name);
    else if (trimmed !== block.name) edit(renameBlock(block.id, trimmed));
  };
  return (
    <div className="field">
      <label htmlFor="block-name">Name</label>
      <input
        id="block-name"
        value={name}
        maxLength={MAX_NAME_CHARS}
        dir="auto"
        aria-describedby={isTaken ? 'block-name-note' : undefined}
        onChange={(event) => setName(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => {
          if (event.key === 'Enter') take();
        }}
      />
      {isTaken && (
        <p className="problem" id="block-name-note">
          Another block has this name: references can’t tell them apart.
        </p>
      )}
    </div>
  );
}
