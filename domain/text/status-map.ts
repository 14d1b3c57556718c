/** The status lines of a turn. Readers of the stream and operators see the same lines. */

export const THINKING = 'Thinking...';
export const WAITING_FOR_CONFIRMATION = 'Waiting for your confirmation...';
export const ANALYZING = 'Analyzing result...';
export const SUMMARIZING = 'Summarizing the conversation so far...';

const TOOL_STATUS: ReadonlyMap<string, string> = new Map([
  ['modify_workflow', 'Modifying workflow...'],
  ['get_block_info', 'Looking up block details...'],
  ['get_db_schema', 'Checking database schema...'],
  ['list_project_assets', 'Discovering project assets...'],
  ['get_asset_details', 'Fetching asset details...'],
  ['execute_public_sql', 'Running SQL query...'],
  ['get_workflow_run_logs', 'Reading execution logs...'],
  ['manage_project_asset', 'Managing project asset...'],
]);

/** The status line of a tool that is about to run; THINKING for an unknown tool. */
export function statusForTool(name: string): string {
  return TOOL_STATUS.get(name) ?? THINKING;
}
