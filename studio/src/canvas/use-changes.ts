import { useMemo } from 'react';
import { changesOfDiff, type ChangeSet, compareGraphs } from '../store/changes.ts';
import { applyLiveEdits } from '../store/live-edits.ts';
import { useStudio } from '../store/studio.ts';

/** What the open proposal would still change on the canvas; null where none is open. */
export function useProposedChanges(): ChangeSet | null {
  const graph = useStudio((studio) => studio.graph);
  const diff = useStudio(({ proposal }) =>
    proposal && (proposal.state === 'open' || proposal.state === 'applying') ? proposal.diff : null,
  );
  return useMemo(() => (graph && diff ? changesOfDiff(graph, diff) : null), [graph, diff]);
}

/** What the running turn has made so far; null while it has made nothing. */
export function useLiveChanges(): ChangeSet | null {
  const graph = useStudio((studio) => studio.graph);
  const edits = useStudio((studio) => studio.liveEdits);
  return useMemo(
    () => (graph && edits.length > 0 ? compareGraphs(graph, applyLiveEdits(graph, edits)) : null),
    [graph, edits],
  );
}

/** What the canvas shows on top of the graph. */
export function useShownChanges(): ChangeSet | null {
  const live = useLiveChanges();
  const proposed = useProposedChanges();
  const isShown = useStudio((studio) => studio.isProposalShown);
  return live ?? (isShown ? proposed : null);
}
