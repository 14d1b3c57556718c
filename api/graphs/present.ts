import type { StoredWorkflow, WorkflowSummary, WorkflowText } from '../../db/graphs/graphs.ts';

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

/** The graph in the answers of snapshot and revert. */
export function presentWorkflowGraph({ id, version, blocks, edges }: StoredWorkflow) {
  return { id, version, blocks, edges };
}

/** The answer of GET for one workflow as JSON text. It contains the graph as the database wrote it. */
export function presentWorkflow(workflow: WorkflowText): string {
  const head = JSON.stringify(presentWorkflowSummary(workflow)).slice(0, -1);
  return `${head},"blocks":${workflow.blocks},"edges":${workflow.edges}}`;
}
