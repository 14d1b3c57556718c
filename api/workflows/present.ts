import type { StoredWorkflow, WorkflowSummary } from '../../db/workflows.ts';

/** An entry of the list. */
export function presentWorkflowSummary(workflow: WorkflowSummary) {
  return {
    id: workflow.id,
    name: workflow.name,
    description: workflow.description,
    version: workflow.version,
    state: workflow.state,
    created_at: workflow.createdAt.toISOString(),
    updated_at: workflow.updatedAt.toISOString(),
  };
}

/** The graph part, as snapshot and revert answer it. */
export function presentWorkflowGraph({ id, version, blocks, edges }: StoredWorkflow) {
  return { id, version, blocks, edges };
}

/** GET of one workflow. */
export function presentWorkflow(workflow: StoredWorkflow) {
  return { ...presentWorkflowSummary(workflow), ...presentWorkflowGraph(workflow) };
}
