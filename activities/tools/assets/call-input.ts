/** The arguments of manage_project_asset. */
import { z } from 'zod';
import { ASSET_ACTIONS, ASSET_KINDS } from '../../../contracts/assets.ts';

/** `data` for the model. asset-fields.ts checks the fields. */
const FIELDS = `By kind; an update takes only the fields that change:
agent {name, model (see get_block_info of agent), system_prompt, settings {temperature: 0 to 2, max_tokens}, knowledge_bases: [id]};
knowledge_base {name, description, sources: [id], indexing_config {chunk_size}, retrieval_config {top_k}};
orchestration {name, description, strategy (supervisor), entities: [{entity_type: one of kind, entity_ref_id, role_description}]};
workflow {name, description}.
A list replaces the whole list. settings and configs merge, null removes a key of them; get_asset_details shows what other keys an asset has.`;

export const manageProjectAssetInput = z.object({
  action: z.enum(ASSET_ACTIONS),
  kind: z.enum(ASSET_KINDS),
  id: z.string().optional().describe('Of an update or delete: id or unique name'),
  data: z.record(z.string(), z.unknown()).optional().describe(FIELDS),
});
