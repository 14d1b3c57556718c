/** The product's modify_workflow tool, for a project in which every id and model exists. */
import { createModifyWorkflowTool } from '../../activities/tools/modify-workflow.ts';
import { createPythonChecker } from '../../activities/tools/python-syntax.ts';
import type { ProjectFacts } from '../../domain/rules/project-facts.ts';

export const openProject: ProjectFacts = {
  missing: { agent: new Set(), knowledge_base: new Set(), source: new Set() },
  unknownModels: new Set(),
  models: [],
};

export const modifyWorkflowTool = createModifyWorkflowTool({
  python: createPythonChecker(),
  loadProjectFacts: () => Promise.resolve(openProject),
});
