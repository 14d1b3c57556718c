/** The id of the Temporal workflow that runs a session's turn: Temporal allows one open run per id. */
export function turnWorkflowId(sessionId: string): string {
  return `copilot-session-${sessionId}`;
}
