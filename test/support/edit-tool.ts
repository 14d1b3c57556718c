/** The tools for edits as the worker has them, in a project that knows every id and model. */
import { createPythonChecker } from '../../activities/tools/python-syntax.ts';
import type { ToolDeps } from '../../activities/tools/tool.ts';
import { MODELS } from '../../models/models.ts';
import type { ProjectFacts } from '../../domain/rules/project-facts.ts';
import { productTools } from './product-tools.ts';

export const openProject: ProjectFacts = {
  missing: { agent: new Set(), knowledge_base: new Set(), source: new Set() },
  unknownModels: new Set(),
  models: [],
};

/** What the tools for edits need; nothing else is in it. */
export const editDeps = {
  python: createPythonChecker(),
  project: { loadProjectFacts: () => Promise.resolve(openProject) },
  catalogue: { models: MODELS },
  assets: { models: () => [] },
} as unknown as ToolDeps;

/** modify_workflow and get_block_info. */
export const editTools = productTools(['modify_workflow', 'get_block_info'], editDeps);
