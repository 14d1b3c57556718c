/** The lanes (db/connection/lanes.ts) of requests that write. */

/** The lane of requests that lock a workflow's row: changes of its graph. */
export function workflowLane(id: string): string {
  return `workflow ${id.toLowerCase()}`;
}

/** The lane of requests that take a shared lock on a workflow's row: its new sessions. */
export const NEW_SESSIONS = {
  lane: (workflowId: string) => `sessions of ${workflowId.toLowerCase()}`,
  width: 4,
};

/** The lane of requests that lock the row of a session or of one of its turns. */
export function sessionLane(id: string): string {
  return `session ${id.toLowerCase()}`;
}
