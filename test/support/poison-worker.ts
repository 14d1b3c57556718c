/** The entry of a worker process that also has the tools of poison-tools.ts. */
import { guardAgainstStalls } from '../../worker/stall-guard.ts';
import { installRuntime, startWorker } from '../../worker/run-worker.ts';
import { findAddresses } from '../../bin/find-addresses.ts';
import { loadConfig } from '../../runtime/config.ts';
import { createLogger } from '../../runtime/logger.ts';
import { poisonTools } from './poison-tools.ts';

const config = loadConfig(process.env);
const logger = createLogger({ level: config.logLevel });
installRuntime(logger);
guardAgainstStalls();
const worker = await startWorker({ config, ...findAddresses(config), logger, moreTools: poisonTools });
console.log(`The worker polls the task queue ${config.temporal.taskQueue}.`);
process.once('SIGTERM', () => void worker.stop().then(() => process.exit(0)));
