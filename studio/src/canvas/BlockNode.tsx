import { Handle, type NodeProps, Position as Side } from '@xyflow/react';
import { createContext, memo, useContext } from 'react';
import { Icon } from '../design/Icon.tsx';
import { isIconName } from '../design/icon-paths.ts';
import type { ChangeKind } from '../store/changes.ts';
import { type BlockNode, outputPlace } from './scene.ts';
import { summarizeConfig } from './summary.ts';

const WORDS: Record<ChangeKind, string> = { added: '+ Added', changed: '~ Changed', removed: '− Removed' };
/** What fits on a block that is seen from afar. */
const FAR_NAME_CHARS = 18;

/** Whether the blocks are seen from afar. */
export const FarContext = createContext(false);

/** A block of the canvas. */
export const BlockView = memo(function BlockView({ data }: NodeProps<BlockNode>) {
  const { block, name, type, change } = data;
  const isFar = useContext(FarContext);
  return (
    <div className="block" data-change={change?.kind} data-off={block.enabled ? undefined : ''}>
      <span className="block-icon" data-trigger={type?.trigger === true ? '' : undefined}>
        <Icon name={isIconName(block.type) ? block.type : 'unknown'} />
      </span>
      {isFar ? <bdi className="block-far">{cutName(name)}</bdi> : <NearBlock data={data} />}
      {change && <span className={`badge badge-${change.kind} block-badge`}>{WORDS[change.kind]}</span>}
    </div>
  );
});

/**
 * What can be read and used from near. From afar it would only cost time in every frame: React Flow asks each handle on each
 * move, and Chromium sorts each clip.
 */
function NearBlock({ data }: { data: BlockNode['data'] }) {
  const { block, name, type, outputs } = data;
  const sources = [...outputs.names, ...(outputs.isPlain ? [null] : [])];
  return (
    <>
      {type?.trigger !== true && <Handle type="target" position={Side.Top} />}
      <span className="block-text">
        <bdi className="block-name" title={name}>
          {name}
        </bdi>
        <bdi className="block-type">
          {type?.label ?? `Unknown type ${block.type}`}
          {block.enabled ? '' : ' · off'}
        </bdi>
      </span>
      <bdi className="block-line mono">{summarizeConfig(block, type)}</bdi>
      {outputs.names.length > 0 && (
        <span className="block-outputs">
          {sources.map((output) => (
            <bdi key={output ?? ''} title={output ?? 'output'}>
              {output ?? 'output'}
            </bdi>
          ))}
          {outputs.hidden > 0 && <span>+{outputs.hidden}</span>}
        </span>
      )}
      {sources.map((output, index) => (
        <Handle
          key={output ?? ''}
          type="source"
          id={output ?? undefined}
          position={Side.Bottom}
          style={{ left: `${outputPlace(index, sources.length) * 100}%` }}
        />
      ))}
    </>
  );
}

function cutName(name: string): string {
  return name.length > FAR_NAME_CHARS ? `${name.slice(0, FAR_NAME_CHARS - 1)}…` : name;
}
