/** The lanes (db/connection/lanes.ts) in which requests change things. */

/** Of what locks a workflow's row: its graph, and new sessions of it. */
export function workflowLane(id: string): string {
  return `workflow ${id.toLowerCase()}`;
}

/** Of what locks a session's row or those of its turns. */
export function sessionLane(id: string): string {
  return `session ${id.toLowerCase()}`;
}
