import { Handle, type NodeProps, Position as Side } from '@xyflow/react';
import { memo } from 'react';
import { Icon, isIconName } from '../design/Icon.tsx';
import type { ChangeKind } from '../store/changes.ts';
import { type BlockNode, outputPlace } from './scene.ts';
import { summarizeConfig } from './summary.ts';

const WORDS: Record<ChangeKind, string> = { added: '+ Added', changed: '~ Changed', removed: '− Removed' };

/** A block of the canvas. */
export const BlockView = memo(function BlockView({ data }: NodeProps<BlockNode>) {
  const { block, type, outputs, change } = data;
  const sources = [...outputs.names, ...(outputs.isPlain ? [null] : [])];
  const icon = isIconName(block.type) ? block.type : 'unknown';
  return (
    <div className="block" data-change={change?.kind} data-off={block.enabled ? undefined : ''}>
      {type?.trigger !== true && <Handle type="target" position={Side.Top} />}
      <span className="block-icon" data-trigger={type?.trigger === true ? '' : undefined}>
        <Icon name={icon} />
      </span>
      <span className="block-text">
        <bdi className="block-name" title={block.name}>
          {block.name}
        </bdi>
        <bdi className="block-type">
          {type?.label ?? `Unknown type ${block.type}`}
          {block.enabled ? '' : ' · off'}
        </bdi>
      </span>
      {change && <span className={`badge badge-${change.kind} block-badge`}>{WORDS[change.kind]}</span>}
      <bdi className="block-line mono">{summarizeConfig(block, type)}</bdi>
      {outputs.names.length > 0 && (
        <span className="block-outputs">
          {sources.map((name) => (
            <bdi key={name ?? ''} title={name ?? 'output'}>
              {name ?? 'output'}
            </bdi>
          ))}
          {outputs.hidden > 0 && <span>+{outputs.hidden}</span>}
        </span>
      )}
      {sources.map((name, index) => (
        <Handle
          key={name ?? ''}
          type="source"
          id={name ?? undefined}
          position={Side.Bottom}
          style={{ left: `${outputPlace(index, sources.length) * 100}%` }}
        />
      ))}
    </div>
  );
});
