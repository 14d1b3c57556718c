/** modify_workflow as the worker has it, in a project that knows every id and model. */
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
