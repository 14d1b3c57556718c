/**
 * The traits of a call's tool. Answers carry them. Answers of earlier releases do not: the turns that have such an answer
 * use the table below, which can go once none of them is open.
 */
import type { ToolTraits } from '../contracts/tools.ts';
import type { ToolCallRef } from '../contracts/turn.ts';
import { THINKING } from '../domain/text/status-map.ts';

/** The tools as the earlier releases had them. Never change a row: the turns that use it would not replay. */
const EARLIER_TOOLS: ReadonlyMap<string, ToolTraits> = new Map<string, ToolTraits>([
  ['modify_workflow', { order: 'writing', status: 'Modifying workflow...' }],
  ['get_block_info', { order: 'reading', status: 'Looking up block details...' }],
  ['get_db_schema', { order: 'reading', status: 'Checking database schema...' }],
  ['list_project_assets', { order: 'reading', status: 'Discovering project assets...' }],
  ['get_asset_details', { order: 'reading', status: 'Fetching asset details...' }],
  ['execute_public_sql', { order: 'reading', status: 'Running SQL query...' }],
  ['get_workflow_run_logs', { order: 'reading', status: 'Reading execution logs...' }],
  ['manage_project_asset', { order: 'writing', confirmed: true, status: 'Managing project asset...' }],
]);

/** A tool that does not exist: its call only answers that. */
const UNKNOWN: ToolTraits = { order: 'reading', status: THINKING };

/** The traits with which a call is made. */
export function traitsOf({ name, traits }: ToolCallRef): ToolTraits {
  return traits ?? EARLIER_TOOLS.get(name) ?? UNKNOWN;
}
