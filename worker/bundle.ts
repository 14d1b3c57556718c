/** Bundles the workflows for Temporal's sandbox. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

export const WORKFLOWS = fileURLToPath(new URL('../workflows/index.ts', import.meta.url));

const TRACE = fileURLToPath(new URL('../workflows/trace.ts', import.meta.url));

export interface Bundle {
  code: string;
  /** The paths of all files that webpack read. */
  files: string[];
}

/** Bundles a workflows module. Throws when a workflow imports a module that the sandbox forbids. */
export async function bundleWorkflows(workflowsPath: string = WORKFLOWS): Promise<Bundle> {
  const paths = new Set<string>();
  const { code } = await bundleWorkflowCode({
    workflowsPath,
    workflowInterceptorModules: [TRACE],
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
  // Without folders, and without the entry that Temporal creates in memory.
  return { code, files: [...paths].filter((path) => statSync(path, { throwIfNoEntry: false })?.isFile()) };
}
