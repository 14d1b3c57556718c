/** The tools and their traits. Tool names are stored in histories and clients. The workflow sandbox imports this file. */

export type ToolName =
  | 'modify_workflow'
  | 'get_block_info'
  | 'get_db_schema'
  | 'list_project_assets'
  | 'get_asset_details'
  | 'execute_public_sql'
  | 'get_workflow_run_logs'
  | 'manage_project_asset';

/** Tools whose effects depend on order; all others of a step run in parallel. */
export const WRITING_TOOLS: ReadonlySet<string> = new Set<ToolName>([
  'modify_workflow',
  'manage_project_asset',
]);

/** Tools whose every call waits for the user's confirmation. */
export const CONFIRMED_TOOLS: ReadonlySet<string> = new Set<ToolName>(['manage_project_asset']);
