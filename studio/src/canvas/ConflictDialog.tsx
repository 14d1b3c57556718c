import { Dialog } from '../design/Dialog.tsx';
import { compareGraphs, summarize } from '../store/changes.ts';
import { useStudio } from '../store/studio.ts';

/** Somebody else saved meanwhile: what both did, and whose state stays. */
export function ConflictDialog() {
  const conflict = useStudio((studio) => studio.conflict);
  const saved = useStudio((studio) => studio.saved);
  const graph = useStudio((studio) => studio.graph);
  const { takeTheirs, keepMine, postponeConflict } = useStudio.getState();
  if (!conflict || !saved || !graph) return null;
  const theirs = summarize(compareGraphs(saved.graph, conflict.graph));
  const mine = summarize(compareGraphs(saved.graph, graph));
  return (
    <Dialog title="Somebody else saved this workflow meanwhile" onClose={postponeConflict}>
      <dl className="conflict">
        <dt>They</dt>
        <dd>{theirs || 'saved it without a change'}</dd>
        <dt>You</dt>
        <dd>{mine || 'changed nothing'}</dd>
      </dl>
      <p className="soft">
        With theirs, your canvas stays one step back. With yours, their change is replaced.
      </p>
      <div className="dialog-buttons">
        <button type="button" className="button button-quiet" onClick={postponeConflict}>
          Decide later
        </button>
        <button type="button" className="button" onClick={() => void keepMine()}>
          Keep mine
        </button>
        <button type="button" className="button button-primary" onClick={takeTheirs}>
          Take theirs
        </button>
      </div>
    </Dialog>
  );
}
