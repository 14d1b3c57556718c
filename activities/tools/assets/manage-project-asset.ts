/** manage_project_asset as the model sees it. */
import type { z } from 'zod';
import { ASSET_LABELS } from '../../../contracts/assets.ts';
import { type ConfirmedTool, defineConfirmedTool, type ToolDeps } from '../tool.ts';
import { createAssetActions } from './asset-actions.ts';
import { manageProjectAssetInput } from './call-input.ts';

/** The turn asks the user before it changes anything (activities/ask-confirmation.ts). */
export function createManageProjectAssetTool({ assets }: Pick<ToolDeps, 'assets'>): ConfirmedTool {
  return defineConfirmedTool<z.infer<typeof manageProjectAssetInput>>({
    description: `Creates, updates or deletes an asset that the user asked for. The user must confirm the change; the call waits, up to a day. When it is rejected, ask; do not call again. Before a delete, look up what uses the asset (get_asset_details). Not for blocks on the canvas, the open workflow or uploads.
Example: {"action":"create","kind":"agent","data":{"name":"Support","model":"gpt-4.1","system_prompt":"You answer customers' questions."}}`,
    input: manageProjectAssetInput,
    preview: (args) => `${args.action} ${ASSET_LABELS[args.kind]}`,
    actions: createAssetActions(assets),
  });
}
