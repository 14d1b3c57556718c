/** The lanes (db/connection/lanes.ts) in which requests change things. */

/** Of what locks a workflow's row: changes of its graph. */
export function workflowLane(id: string): string {
  return `workflow ${id.toLowerCase()}`;
}

/** Of what only shares a workflow's row: new sessions of it. */
export const NEW_SESSIONS = {
  lane: (workflowId: string) => `sessions of ${workflowId.toLowerCase()}`,
  width: 4,
};

/** Of what locks a session's row or those of its turns. */
export function sessionLane(id: string): string {
  return `session ${id.toLowerCase()}`;
}
