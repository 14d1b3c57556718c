/** npm run cluster: like `npm run stack`, with the production Temporal server on the embedded Postgres. */
import { startEmbeddedStack } from './embedded-stack.ts';
import { printReady } from './print-ready.ts';
import { runCommand } from './run-command.ts';

await runCommand('cluster', async (context) => {
  const config = { ...context.config, embeddedTemporal: 'cluster' as const };
  printReady(await startEmbeddedStack({ ...context, config }, 'cluster'));
  // The supervised servers do not keep this process alive, so the timer does.
  setInterval(() => undefined, 2 ** 30);
});
