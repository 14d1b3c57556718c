/** The arguments of manage_project_asset. */
import { z } from 'zod';
import { ASSET_ACTIONS, ASSET_KINDS } from '../../../contracts/assets.ts';

/** `data` for the model. asset-fields.ts checks the fields. */
const FIELDS = `An update takes only the fields that change.
agent {name, model (see get_block_info), system_prompt, settings {temperature, max_tokens}, knowledge_bases: [id]}
knowledge_base {name, description, sources: [id], indexing_config {chunk_size}, retrieval_config {top_k}}
orchestration {name, description, strategy (supervisor), entities: [{entity_type: a kind, entity_ref_id, role_description}]}
workflow {name, description}
Lists replace the whole list. settings and configs merge, null removes a key; get_asset_details shows the keys of an asset.`;

export const manageProjectAssetInput = z.object({
  action: z.enum(ASSET_ACTIONS),
  kind: z.enum(ASSET_KINDS),
  id: z.string().optional().describe('For update and delete; or the unique name'),
  data: z.record(z.string(), z.unknown()).optional().describe(FIELDS),
});
