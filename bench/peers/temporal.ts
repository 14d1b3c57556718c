/** The worker and the client of a program: in one process, on the Temporal server of the benchmark. */
import { randomUUID } from 'node:crypto';
import { Client, type ClientOptions, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker, type WorkerOptions } from '@temporalio/worker';
import { serveTurns, type Turn } from './sse-front.ts';

interface Program {
  name: string;
  activities: WorkerOptions['activities'];
  plugins?: WorkerOptions['plugins'] & ClientOptions['plugins'];
  /** Starts the turn's workflow, whose id and task queue are given, and reads its text. */
  startTurn: (
    client: Client,
    message: string,
    ids: { taskQueue: string; workflowId: string },
  ) => Promise<Turn['pieces']>;
}

/** Runs the worker with its default options, and the front. Ends with SIGTERM. */
export async function runProgram({ name, activities, plugins, startTurn }: Program): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const address = process.env.TEMPORAL_ADDRESS;
  const native = await NativeConnection.connect({ address });
  const taskQueue = `bench-${name}`;
  const worker = await Worker.create({
    connection: native,
    taskQueue,
    activities,
    plugins,
    shutdownForceTime: '5 seconds',
    workflowBundle: { codePath: process.env.WORKFLOW_BUNDLE! },
  });
  const client = new Client({ connection: await Connection.connect({ address }), plugins });
  serveTurns(async (message) => {
    const workflowId = `${taskQueue}-${randomUUID()}`;
    return { workflowId, pieces: await startTurn(client, message, { taskQueue, workflowId }) };
  });
  await worker.run();
  process.exit(0);
}
