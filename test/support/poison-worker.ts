/** A worker process that has the poison tools. */
import { poisonTools } from './poison-tools.ts';
import { runWorkerProcess } from './worker-process.ts';

await runWorkerProcess({ moreTools: poisonTools });
