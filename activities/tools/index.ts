/** The tools of the product: a row for each. */
import { createManageProjectAssetTool } from './assets/manage-project-asset.ts';
import { createExecutePublicSqlTool } from './execute-public-sql.ts';
import { createGetAssetDetailsTool } from './get-asset-details.ts';
import { createGetBlockInfoTool } from './get-block-info.ts';
import { createGetDbSchemaTool } from './get-db-schema.ts';
import { createGetWorkflowRunLogsTool } from './get-workflow-run-logs.ts';
import { createListProjectAssetsTool } from './list-project-assets.ts';
import { createModifyWorkflowTool } from './modify-workflow.ts';
import type { ToolRow } from './tool.ts';

/** Writing tools may have longer arguments: an edit has code and configs, a change of an agent has its prompt. */
const EDIT_CHARS = 256 * 1024;

export const TOOLS: readonly ToolRow[] = [
  {
    name: 'modify_workflow',
    order: 'writing',
    status: 'Modifying workflow...',
    limits: { argumentChars: EDIT_CHARS },
    create: createModifyWorkflowTool,
  },
  {
    name: 'get_block_info',
    order: 'reading',
    status: 'Looking up block details...',
    create: createGetBlockInfoTool,
  },
  {
    name: 'get_db_schema',
    order: 'reading',
    status: 'Checking database schema...',
    create: createGetDbSchemaTool,
  },
  {
    name: 'list_project_assets',
    order: 'reading',
    status: 'Discovering project assets...',
    create: createListProjectAssetsTool,
  },
  {
    name: 'get_asset_details',
    order: 'reading',
    status: 'Fetching asset details...',
    create: createGetAssetDetailsTool,
  },
  {
    name: 'execute_public_sql',
    order: 'reading',
    status: 'Running SQL query...',
    limits: { calls: { atMost: 8, noun: 'queries' } },
    create: createExecutePublicSqlTool,
  },
  {
    name: 'get_workflow_run_logs',
    order: 'reading',
    status: 'Reading execution logs...',
    create: createGetWorkflowRunLogsTool,
  },
  {
    name: 'manage_project_asset',
    order: 'writing',
    confirmed: true,
    status: 'Managing project asset...',
    limits: { argumentChars: EDIT_CHARS },
    create: createManageProjectAssetTool,
  },
];
