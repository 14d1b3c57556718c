/** npm run stack: only the embedded Postgres and Temporal, for roles that run apart. */
import { startEmbeddedStack } from './embedded-stack.ts';
import { printReady } from './print-ready.ts';
import { runCommand } from './run-command.ts';

await runCommand('stack', async (context) => {
  printReady(await startEmbeddedStack(context, 'stack'));
  // The supervised servers are not ours to wait for: this process lives until it is told to stop.
  setInterval(() => undefined, 2 ** 30);
});
