import { useState } from 'react';
import { type Block, type BlockType, visibleText } from '../../../client/src/index.ts';
import { Icon } from '../design/Icon.tsx';
import { edgeKey } from '../store/edges.ts';
import { useStudio } from '../store/studio.ts';
import { connect, connectionProblem, disconnect } from './graph-edits.ts';
import { handlesOf } from './handles.ts';

/** Where a block leads, and what leads to it: the same by keyboard as by drawing lines. */
export function BlockConnections({ block, type }: { block: Block; type: BlockType | undefined }) {
  const graph = useStudio((studio) => studio.graph);
  const edit = useStudio((studio) => studio.edit);
  if (!graph) return null;
  const names = new Map(graph.blocks.map(({ id, name }) => [id, visibleText(name)]));
  const outgoing = graph.edges.filter(({ source }) => source === block.id);
  const incoming = graph.edges.filter(({ target }) => target === block.id);
  return (
    <div className="connections">
      <h3>Connections</h3>
      <ul>
        {incoming.map((edge) => (
          <li key={edgeKey(edge)} className="soft">
            from <bdi>{names.get(edge.source) ?? 'a block that is gone'}</bdi>
            {edge.sourceHandle === undefined ? '' : ` (${edge.sourceHandle})`}
          </li>
        ))}
        {outgoing.map((edge) => {
          const name = names.get(edge.target) ?? 'a block that is gone';
          return (
            <li key={edgeKey(edge)}>
              <span>
                {edge.sourceHandle === undefined ? '' : `${edge.sourceHandle} `}→ <bdi>{name}</bdi>
              </span>
              <button
                type="button"
                className="button button-quiet button-icon"
                aria-label={`Disconnect from ${name}`}
                title="Disconnect"
                onClick={() => edit(disconnect(edge))}
              >
                <Icon name="close" />
              </button>
            </li>
          );
        })}
      </ul>
      {incoming.length + outgoing.length === 0 && <p className="soft">None yet.</p>}
      {type?.terminal !== true && <NewConnection block={block} />}
    </div>
  );
}

function NewConnection({ block }: { block: Block }) {
  const graph = useStudio((studio) => studio.graph);
  const types = useStudio((studio) => studio.blockTypes);
  const edit = useStudio((studio) => studio.edit);
  const [target, setTarget] = useState('');
  const handles = handlesOf(block.type, block.config);
  const [chosen, setHandle] = useState('');
  const handle = handles.includes(chosen) ? chosen : handles[0];
  if (!graph) return null;
  const ends = { source: block.id, target, ...(handle === undefined ? {} : { sourceHandle: handle }) };
  const targets = graph.blocks.filter(({ id, type }) => id !== block.id && types.get(type)?.trigger !== true);
  const problem = target === '' ? null : connectionProblem(graph, ends, types);
  return (
    <form
      className="new-connection"
      onSubmit={(event) => {
        event.preventDefault();
        if (target === '' || problem !== null) return;
        edit(connect(ends));
        setTarget('');
      }}
    >
      {handles.length > 0 && (
        <select aria-label="Output" value={handle} onChange={(event) => setHandle(event.target.value)}>
          {handles.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      )}
      <select aria-label="Leads to" value={target} onChange={(event) => setTarget(event.target.value)}>
        <option value="">Choose a block</option>
        {targets.map(({ id, name }) => (
          <option key={id} value={id}>
            {visibleText(name)}
          </option>
        ))}
      </select>
      <button type="submit" className="button" disabled={target === '' || problem !== null}>
        Connect
      </button>
      {problem !== null && <p className="problem">{problem}</p>}
    </form>
  );
}
