import { visibleText } from '../../../client/src/index.ts';
import { useState } from 'react';
import { Icon } from '../design/Icon.tsx';
import {
  type BlockChange,
  type ChangeKind,
  type EdgeChange,
  type ChangeSet,
  summarize,
} from '../store/changes.ts';
import { showJson } from '../store/json.ts';
import type { Proposal } from '../store/proposal.ts';
import { useStudio } from '../store/studio.ts';
import { formatWhole } from '../text/numbers.ts';
import { useKeptFocus } from './use-kept-focus.ts';
import { useLiveChanges, useProposedChanges } from './use-changes.ts';
import { useShowBlock } from './use-show-block.ts';

/** Of a value, in the list of changes. */
const SHOWN_CHARS = 4_000;
const MARKS: Record<ChangeKind, string> = { added: '+ Added', changed: '~ Changed', removed: '− Removed' };

/** What the copilot proposes: applied or undone here, never by itself. */
export function ProposalPanel() {
  const proposal = useStudio((studio) => studio.proposal);
  const changes = useProposedChanges();
  const live = useLiveChanges();
  const panel = useKeptFocus(proposal?.state);
  if (live) return <LiveBar changes={live} />;
  if (!proposal) return null;
  return (
    <section ref={panel} className="proposal" aria-label="Proposal" data-state={proposal.state}>
      {changes && (proposal.state === 'open' || proposal.state === 'applying') ? (
        <OpenProposal proposal={proposal} changes={changes} />
      ) : (
        <SettledProposal proposal={proposal} />
      )}
    </section>
  );
}

function LiveBar({ changes }: { changes: ChangeSet }) {
  return (
    <section className="proposal" aria-label="Proposal" data-state="live">
      <div className="proposal-head">
        <p>
          <strong>The copilot is working on it.</strong>{' '}
          <span className="soft">
            {summarize(changes) || 'Nothing is different so far'}. Nothing is applied.
          </span>
        </p>
      </div>
    </section>
  );
}

function OpenProposal({ proposal, changes }: { proposal: Proposal; changes: ChangeSet }) {
  const graph = useStudio((studio) => studio.graph);
  const isShown = useStudio((studio) => studio.isProposalShown);
  const showProposal = useStudio((studio) => studio.showProposal);
  const apply = useStudio((studio) => studio.applyProposal);
  const [isOpen, setOpen] = useState(true);
  const hasMoved = proposal.base !== null && graph !== proposal.base;
  const isApplying = proposal.state === 'applying';
  return (
    <>
      <div className="proposal-head">
        <div>
          <h2>{hasMoved ? 'Would still change' : 'Proposed'}</h2>
          <p>{summarize(changes) || 'Nothing that the canvas does not have already'}</p>
        </div>
        <span className="proposal-buttons">
          <button
            type="button"
            className="button button-quiet"
            aria-expanded={isOpen}
            onClick={() => setOpen(!isOpen)}
          >
            Details <Icon name="chevron" size={12} />
          </button>
          <button
            type="button"
            className="button button-quiet"
            aria-pressed={isShown}
            onClick={() => showProposal(!isShown)}
          >
            Preview
          </button>
          <button
            type="button"
            className="button button-primary"
            disabled={isApplying}
            onClick={() => void apply()}
          >
            {isApplying ? 'Applying…' : 'Apply'}
          </button>
        </span>
      </div>
      {proposal.problem !== null && (
        <p className="proposal-note problem" role="alert">
          <Icon name="warning" /> {visibleText(proposal.problem)}
        </p>
      )}
      {hasMoved && (
        <p className="proposal-note">
          The canvas has changed since the copilot read it. Your edits stay; the list shows what comes on top.
        </p>
      )}
      {changes.misfits.length > 0 && (
        <p className="proposal-note problem">
          <Icon name="warning" /> No longer fits: {visibleText(changes.misfits.slice(0, 10).join(', '))}
          {changes.misfits.length > 10 ? ` and ${changes.misfits.length - 10} more` : ''}. Step back, or ask
          the copilot again.
        </p>
      )}
      {isOpen && <ChangeList changes={changes} />}
    </>
  );
}

function SettledProposal({ proposal }: { proposal: Proposal }) {
  const undo = useStudio((studio) => studio.undoProposal);
  const clear = useStudio((studio) => studio.clearProposal);
  const { state, problem } = proposal;
  return (
    <>
      <div className="proposal-head">
        <p>
          <Icon name={state === 'undone' ? 'undo' : 'check'} />{' '}
          {state === 'undone' ? 'The change was taken back.' : 'The change is applied and saved.'}
        </p>
        <span className="proposal-buttons">
          {state !== 'undone' && (
            <button
              type="button"
              className="button"
              disabled={state === 'undoing'}
              onClick={() => void undo()}
            >
              <Icon name="undo" /> {state === 'undoing' ? 'Taking back…' : 'Undo'}
            </button>
          )}
          <button
            type="button"
            className="button button-quiet button-icon"
            aria-label="Close"
            title="Close"
            onClick={clear}
          >
            <Icon name="close" />
          </button>
        </span>
      </div>
      {problem !== null && (
        <p className="proposal-note problem" role="alert">
          <Icon name="warning" /> {visibleText(problem)}
        </p>
      )}
    </>
  );
}

function ChangeList({ changes }: { changes: ChangeSet }) {
  if (changes.blocks.length === 0 && changes.edges.length === 0) return null;
  return (
    // A scrolling list that nothing in it makes reachable by keyboard needs the focus itself.
    <ul className="changes" tabIndex={0} aria-label="Changes">
      {changes.blocks.map((change) => (
        <BlockChangeItem key={change.id} change={change} />
      ))}
      {changes.edges.length > 0 && (
        <li className="change">
          <h3>Connections</h3>
          <ul>
            {changes.edges.map((change) => (
              <EdgeChangeItem key={`${change.kind} ${change.key}`} change={change} />
            ))}
          </ul>
        </li>
      )}
    </ul>
  );
}

function BlockChangeItem({ change }: { change: BlockChange }) {
  const showBlock = useShowBlock();
  const { kind, fields, id } = change;
  const name = visibleText(change.name);
  return (
    <li className="change">
      <div className="change-head">
        <span className={`badge badge-${kind}`}>{MARKS[kind]}</span>
        <h3>
          {kind === 'added' ? (
            <bdi>{name}</bdi>
          ) : (
            <button type="button" className="link-button" onClick={() => showBlock(id)}>
              <bdi>{name}</bdi>
            </button>
          )}
        </h3>
      </div>
      {kind !== 'removed' && fields.length > 0 && (
        <table className="fields">
          <caption className="hidden-text">Config of {name}</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              {kind === 'changed' && <th scope="col">Before</th>}
              <th scope="col">{kind === 'changed' ? 'After' : 'Value'}</th>
            </tr>
          </thead>
          <tbody>
            {fields.map(({ field, before, after }) => (
              <tr key={field}>
                <th scope="row">
                  <bdi>{visibleText(field)}</bdi>
                </th>
                {kind === 'changed' && (
                  <Value value={showJson(before)} isSet={before !== undefined} sign="−" />
                )}
                <Value value={showJson(after)} isSet={after !== undefined} sign="+" />
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </li>
  );
}

function Value({ value, isSet, sign }: { value: string; isSet: boolean; sign: '+' | '−' }) {
  return (
    <td className={sign === '+' ? 'value-after' : 'value-before'}>
      {isSet ? <pre dir="auto">{cut(value)}</pre> : <span className="soft">not set</span>}
    </td>
  );
}

function cut(text: string): string {
  const more = text.length - SHOWN_CHARS;
  const shown = visibleText(text.slice(0, SHOWN_CHARS));
  return more <= 0 ? shown : `${shown}… (${formatWhole(more)} more characters)`;
}

function EdgeChangeItem({ change }: { change: EdgeChange }) {
  const { kind, edge, source, target } = change;
  return (
    <li className="edge-change">
      <span className={`badge badge-${kind}`}>{MARKS[kind]}</span>
      <span>
        <bdi>{visibleText(source)}</bdi>
        {edge.sourceHandle === undefined ? '' : ` (${edge.sourceHandle})`} → <bdi>{visibleText(target)}</bdi>
      </span>
    </li>
  );
}
