/** The entry of a worker process that also has the tools of poison-tools.ts. */
import { poisonTools } from './poison-tools.ts';
import { runWorkerProcess } from './worker-process.ts';

await runWorkerProcess({ moreTools: poisonTools });
