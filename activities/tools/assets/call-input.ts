/** The arguments of manage_project_asset. */
import { z } from 'zod';
import { ASSET_ACTIONS, ASSET_KINDS } from '../../../contracts/assets.ts';

/** The fields of `data` depend on the kind: see asset-fields.ts. */
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
