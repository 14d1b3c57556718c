/** Bundles the workflows, and checks that they import nothing that the sandbox forbids. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

export const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

export interface Bundle {
  code: string;
  /** Paths of all files that webpack read for the code. */
  files: string[];
}

/** The bundle of a workflows module. Throws when a workflow imports what the sandbox must not have. */
export async function bundleWorkflows(workflowsPath: string = WORKFLOWS): Promise<Bundle> {
  const paths = new Set<string>();
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    logger: new DefaultLogger('ERROR'),
    webpackConfigHook: (config) => ({
      ...config,
      plugins: [
        ...(config.plugins ?? []),
        (compiler) =>
          compiler.hooks.done.tap('files', ({ compilation }) => {
            for (const path of compilation.fileDependencies) paths.add(path);
          }),
      ],
    }),
  });
  // Folders are among them, and the entry that Temporal makes in memory.
  return { code, files: [...paths].filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) };
}
