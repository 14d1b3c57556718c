import { ReactFlowProvider } from '@xyflow/react';
import { useEffect } from 'react';
import { useStudio } from '../store/studio.ts';
import { BlockForm } from './BlockForm.tsx';
import { ConflictDialog } from './ConflictDialog.tsx';
import { Flow, isTyping } from './Flow.tsx';
import { ProposalPanel } from './ProposalPanel.tsx';
import { Toolbar } from './Toolbar.tsx';
import { ZoomButtons } from './ZoomButtons.tsx';
import '@xyflow/react/dist/base.css';
import './canvas.css';
import './panels.css';

/** The canvas: the workflow as a graph, and what is proposed for it. */
export function Canvas() {
  const state = useStudio((studio) => studio.workflowState);
  const graph = useStudio((studio) => studio.graph);
  const id = useStudio((studio) => studio.workflow?.id);
  useEditingKeys();
  if (state === 'failed') return <LoadFailed />;
  if (state === 'none') return <NoWorkflow />;
  if (!graph || id === undefined) return <Loading />;
  return (
    // The view begins anew with each workflow.
    <ReactFlowProvider key={id}>
      <div className="canvas">
        <div className="canvas-area">
          <Flow graph={graph}>
            <ZoomButtons />
          </Flow>
          <Toolbar />
          {graph.blocks.length === 0 && <EmptyGraph />}
          <BlockForm />
        </div>
        <ProposalPanel />
      </div>
      <ConflictDialog />
    </ReactFlowProvider>
  );
}

/** Ctrl+S, Ctrl+Z and Ctrl+Shift+Z anywhere on the page, but for the fields that have an undo of their own. */
function useEditingKeys(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
      const { saveGraph, undoEdit, redoEdit } = useStudio.getState();
      const key = event.key.toLowerCase();
      if (key === 's') {
        event.preventDefault();
        void saveGraph();
      } else if ((key === 'z' || key === 'y') && event.target && !isTyping(event.target)) {
        event.preventDefault();
        if (key === 'y' || event.shiftKey) redoEdit();
        else undoEdit();
      }
    };
    document.addEventListener('keydown', onKeyDown);
    return () => document.removeEventListener('keydown', onKeyDown);
  }, []);
}

function Loading() {
  return (
    <div className="skeleton-flow" aria-busy="true">
      <span className="hidden-text">Loading the workflow…</span>
      <span className="skeleton-block" />
      <span className="skeleton-block" />
      <span className="skeleton-block" />
    </div>
  );
}

function LoadFailed() {
  const problem = useStudio((studio) => studio.workflowProblem);
  const id = useStudio((studio) => studio.workflow?.id);
  const { openWorkflow, start } = useStudio.getState();
  return (
    <div className="empty" role="alert">
      <h2>The workflow could not be loaded</h2>
      <p>{problem}</p>
      <button
        type="button"
        className="button"
        onClick={() => void (id === undefined ? start() : openWorkflow(id))}
      >
        Try again
      </button>
    </div>
  );
}

function NoWorkflow() {
  return (
    <div className="empty">
      <h2>No workflow yet</h2>
      <p>Make one in the list at the top left, then add blocks or ask the copilot for them.</p>
    </div>
  );
}

function EmptyGraph() {
  return (
    <div className="empty empty-graph">
      <h2>Nothing here yet</h2>
      <p>Add a first block with “Add block”, or tell the copilot what the workflow is to do.</p>
    </div>
  );
}
