/** A worker process that gives up a silent provider early. */
import { IMPATIENT } from './impatient-limits.ts';
import { runWorkerProcess } from './worker-process.ts';

await runWorkerProcess({ streamLimits: IMPATIENT });
