/** The tools for edits as the worker has them, in a project that knows every id and model. */
import type { AssetDeps } from '../../activities/tools/assets/deps.ts';
import { createPythonChecker } from '../../activities/tools/python-syntax.ts';
import type { ProjectReader } from '../../db/assets/project-reader.ts';
import type { ProjectFacts } from '../../domain/rules/project-facts.ts';
import { productTools } from './product-tools.ts';

export const openProject: ProjectFacts = {
  missing: { agent: new Set(), knowledge_base: new Set(), source: new Set() },
  unknownModels: new Set(),
  models: [],
};

/** modify_workflow and get_block_info. */
export const editTools = productTools(['modify_workflow', 'get_block_info'], {
  python: createPythonChecker(),
  project: { loadProjectFacts: () => Promise.resolve(openProject) } as unknown as ProjectReader,
  assets: { models: () => [] } as unknown as AssetDeps,
});
