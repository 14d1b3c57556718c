/** manage_project_asset as the model sees it. */
import type { z } from 'zod';
import { ASSET_LABELS } from '../../../contracts/assets.ts';
import { type ConfirmedTool, defineConfirmedTool, type ToolDeps } from '../tool.ts';
import { createAssetActions } from './asset-actions.ts';
import { manageProjectAssetInput } from './call-input.ts';

/** The turn asks the user before it changes anything (activities/ask-confirmation.ts). */
export function createManageProjectAssetTool({ assets }: Pick<ToolDeps, 'assets'>): ConfirmedTool {
  return defineConfirmedTool<z.infer<typeof manageProjectAssetInput>>({
    description: `Creates, updates or deletes an agent, knowledge base, orchestration or workflow of the project. The user is shown exactly what will happen and must confirm it; the call waits for that, up to a day. Use it only when the user asked for such a change, and look up ids with list_project_assets first. Not for blocks on the canvas (modify_workflow), not for the workflow that is open, not for uploading files.
Example: {"action":"create","kind":"agent","data":{"name":"Support","model":"gpt-4.1","system_prompt":"You answer customers' questions."}}`,
    input: manageProjectAssetInput,
    preview: (args) => `${args.action} ${ASSET_LABELS[args.kind]}`,
    actions: createAssetActions(assets),
  });
}
