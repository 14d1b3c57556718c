/**
 * Bundles the workflows of a program, in a process of its own, so that webpack's memory is not counted as the program's.
 * Usage: node bundle.ts <program> <file>
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OpenAIProvider } from '@openai/agents-openai';
import { OpenAIAgentsPlugin } from '@temporalio/openai-agents';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const program = process.argv[2]!;
const file = process.argv[3]!;
const isAgents = program === 'openai-agents';
const { code } = await bundleWorkflowCode({
  workflowsPath: join(import.meta.dirname, `${program}-workflow.ts`),
  logger: new DefaultLogger('ERROR'),
  plugins: isAgents ? [new OpenAIAgentsPlugin({ modelProvider: new OpenAIProvider() })] : [],
  // The Agents SDK must be resolved to its build without Node's modules, as Temporal's streaming sample does.
  ...(isAgents && {
    webpackConfigHook: (config) => ({
      ...config,
      resolve: { ...config.resolve, conditionNames: ['require', 'browser', 'default'] },
    }),
  }),
});
writeFileSync(file, code);
