/** manage_project_asset as the model sees it. */
import { z } from 'zod';
import { ASSET_ACTIONS, ASSET_KINDS, ASSET_LABELS } from '../../../contracts/assets.ts';
import { defineTool, toolFailure } from '../registry.ts';

/** The arguments of a call; which fields `data` takes depends on the kind (asset-fields.ts). */
export const manageProjectAssetInput = z.object({
  action: z.enum(ASSET_ACTIONS),
  kind: z.enum(ASSET_KINDS),
  id: z.string().optional().describe('For update and delete: the id of the asset, or its unique name'),
  data: z
    .record(z.string(), z.json())
    .optional()
    .describe(
      'agent: {name, model, system_prompt, settings, knowledge_bases: [id]}; knowledge_base: {name, description, sources: [id], indexing_config, retrieval_config}; orchestration: {name, description, strategy, entities: [{entity_type, entity_ref_id, role_description}]}; workflow: {name, description}. update takes the changed keys only.',
    ),
});
type Arguments = z.infer<typeof manageProjectAssetInput>;

/** The tool never runs by itself: the turn asks the user first (activities/ask-confirmation.ts). */
export const manageProjectAssetTool = defineTool<Arguments>({
  name: 'manage_project_asset',
  description: `Creates, updates or deletes an agent, knowledge base, orchestration or workflow of the project. The user is shown exactly what will happen and must confirm it; the call waits for that, up to a day. Use it only when the user asked for such a change, and look up ids with list_project_assets first. Not for blocks on the canvas (modify_workflow), not for the workflow that is open, not for uploading files.
Example: {"action":"create","kind":"agent","data":{"name":"Support","model":"gpt-4.1","system_prompt":"You answer customers' questions."}}`,
  input: manageProjectAssetInput,
  preview: (args) => `${args.action} ${ASSET_LABELS[args.kind]}`,
  run: () =>
    Promise.resolve(
      toolFailure('needs_confirmation', 'This tool works only with a confirmation of the user.'),
    ),
});
