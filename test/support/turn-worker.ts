/** A real Temporal worker with fake activities, which have the types of the product's activities. */
import { randomUUID } from 'node:crypto';
import { Client, type ClientInterceptors, Connection } from '@temporalio/client';
import {
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  Worker,
  type WorkerOptions,
} from '@temporalio/worker';
import type { createActivities } from '../../activities/index.ts';
import { TOOLS } from '../../activities/tools/index.ts';
import { CHAT_TURN_WORKFLOW } from '../../contracts/names.ts';
import { turnWorkflowId } from '../../contracts/turn-workflow-id.ts';
import type { CallModelResult, ChatTurnInput, ChatTurnResult, ToolCallRef } from '../../contracts/turn.ts';
import { loadConfig } from '../../runtime/config.ts';
import { loadWorkflowBundle } from '../../worker/bundle-cache.ts';
import { createDeployment, versioningOf } from '../../worker/deployment.ts';
import { untilValue } from './until.ts';

export type Activities = ReturnType<typeof createActivities>;

export const ADDRESS = process.env.COPILOT_TEST_TEMPORAL_ADDRESS ?? '127.0.0.1:7233';

/** A model answer with these tool calls. Without calls it is the final answer. */
export function modelAnswer(...calls: Partial<ToolCallRef>[]): CallModelResult {
  return {
    finish: calls.length > 0 ? 'tool_calls' : 'stop',
    toolCalls: calls.map((call, index) => ({
      callId: `call_${randomUUID()}`,
      name: 'get_block_info',
      argumentsHash: `${index}-${randomUUID()}`,
      preview: 'get_block_info: agent',
      ...toTraits(call.name ?? 'get_block_info'),
      ...call,
    })),
    inputTokens: 10,
    outputTokens: 5,
    preview: 'answer of 5 characters',
  };
}

/** The traits that the product's answers carry. */
function toTraits(name: string): Pick<ToolCallRef, 'traits'> {
  const row = TOOLS.find((tool) => tool.name === name);
  if (!row) return {};
  const { order, confirmed, status } = row;
  return { traits: { order, status, ...(confirmed ? { confirmed } : {}) } };
}

/** Activities that do nothing and end well, but for those given. */
export function fakeActivities(overrides: Partial<Activities>): Activities {
  return {
    callModel: async () => modelAnswer(),
    summarizeHistory: async () => true,
    runTool: async () => ({ isError: false, preview: 'done' }),
    askConfirmation: async () => ({ wait: null }),
    settleConfirmation: async () => true,
    finishTurn: async ({ outcome }) => ({
      status:
        outcome.kind === 'error' ? 'failed' : outcome.stopReason === 'cancelled' ? 'cancelled' : 'complete',
      stopReason: outcome.kind === 'error' ? null : outcome.stopReason,
    }),
    ...overrides,
  };
}

export interface TurnWorker {
  client: Client;
  start(input?: Partial<ChatTurnInput>): Promise<{
    input: ChatTurnInput;
    result(): Promise<ChatTurnResult>;
    handle: ReturnType<Client['workflow']['getHandle']>;
  }>;
  close(): Promise<void>;
}

Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: {
    logging: { filter: makeTelemetryFilterString({ core: 'ERROR', other: 'ERROR' }), forward: {} },
  },
});

let bundle: Promise<{ code: string }> | null = null;

/**
 * Starts a worker on a new task queue. `options` add to the worker's, `interceptors` to the client's. With a build id, the
 * turns are pinned to that version.
 */
export async function startTurnWorker(
  activities: Activities,
  {
    options = {},
    interceptors = {},
    buildId = null,
  }: { options?: Partial<WorkerOptions>; interceptors?: ClientInterceptors; buildId?: string | null } = {},
): Promise<TurnWorker> {
  const taskQueue = `test-${randomUUID()}`;
  const [native, connection, workflowBundle] = await Promise.all([
    NativeConnection.connect({ address: ADDRESS }),
    Connection.connect({ address: ADDRESS }),
    (bundle ??= loadWorkflowBundle()),
  ]);
  const temporal = { ...loadConfig({}).temporal, taskQueue, deployment: taskQueue, buildId };
  const worker = await Worker.create({
    ...options,
    connection: native,
    taskQueue,
    activities,
    workflowBundle,
    ...versioningOf(temporal),
  });
  const running = worker.run();
  if (buildId !== null) {
    const deployment = createDeployment(connection, temporal);
    await untilValue(
      'the version is current',
      () => deployment.makeCurrent(buildId),
      (refusal) => refusal === null,
      { everyMs: 500 },
    );
  }
  const client = new Client({ connection, interceptors });
  return {
    client,
    async start(overrides = {}) {
      const input: ChatTurnInput = {
        turnId: randomUUID(),
        sessionId: randomUUID(),
        workflowId: randomUUID(),
        model: 'demo',
        searchAttributes: true,
        ...overrides,
      };
      const handle = await client.workflow.start(CHAT_TURN_WORKFLOW, {
        workflowId: turnWorkflowId(input.sessionId),
        taskQueue,
        args: [input],
      });
      return { input, handle, result: () => handle.result() as Promise<ChatTurnResult> };
    },
    async close() {
      worker.shutdown();
      await running;
      await native.close();
      await connection.close();
    },
  };
}
