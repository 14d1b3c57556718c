import type { Message, WorkflowDiff } from '../../../client/src/index.ts';
import { Icon } from '../design/Icon.tsx';
import { useNarrow } from '../app/use-narrow.ts';
import { type Proposal, STATE_OF_CHANGE } from '../store/proposal.ts';
import { useStudio } from '../store/studio.ts';

const STATES: Readonly<Record<Proposal['state'], string>> = {
  open: 'Proposed',
  applying: 'Applying…',
  applied: 'Applied',
  undoing: 'Taking back…',
  undone: 'Undone',
};

/** That an answer proposes a change of the workflow, and what became of it. Applying is the canvas's. */
export function ProposalNote({
  message,
  diff,
  messageId,
}: {
  message: Message | null;
  diff: WorkflowDiff | null;
  messageId: string | null;
}) {
  const shown = useStudio(({ proposal }) => (proposal?.messageId === messageId ? proposal.state : null));
  const proposeMessage = useStudio((studio) => studio.proposeMessage);
  const setTab = useStudio((studio) => studio.setTab);
  const isNarrow = useNarrow();
  if (!diff) return null;
  const state = shown ?? STATE_OF_CHANGE[message?.change ?? 'proposed'];
  const show = (): void => {
    if (message && shown === null) proposeMessage(message);
    setTab('canvas');
  };
  return (
    <div className="proposal-chip" data-state={state}>
      <Icon name={state === 'undone' ? 'undo' : state === 'applied' ? 'check' : 'pencil'} />
      <p>
        <strong>{STATES[state]}:</strong> {summarizeDiff(diff)}
      </p>
      {(shown === null ? message !== null : isNarrow) && (
        <button type="button" className="text-button" onClick={show}>
          Show on the canvas
        </button>
      )}
    </div>
  );
}

function summarizeDiff(diff: WorkflowDiff): string {
  const count = (number: number | undefined, noun: string, verb: string): string[] =>
    number === undefined || number === 0 ? [] : [`${number} ${noun}${number === 1 ? '' : 's'} ${verb}`];
  return [
    ...count(diff.add_blocks?.length, 'block', 'added'),
    ...count(diff.update_blocks?.length, 'block', 'changed'),
    ...count(diff.remove_blocks?.length, 'block', 'removed'),
    ...count(diff.add_edges?.length, 'connection', 'added'),
    ...count(diff.remove_edges?.length, 'connection', 'removed'),
  ].join(', ');
}
