/** npm run stack: runs only the embedded Postgres and Temporal, for an API and workers in other processes. */
import { startEmbeddedStack } from './embedded-stack.ts';
import { printReady } from './print-ready.ts';
import { runCommand } from './run-command.ts';

await runCommand('stack', async (context) => {
  printReady(await startEmbeddedStack(context, 'stack'));
  // The supervised servers do not keep this process alive, so the timer does.
  setInterval(() => undefined, 2 ** 30);
});
