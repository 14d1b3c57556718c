/** What a new Temporal cluster needs before the service can use it: all services up, the namespace, the search attributes. */
import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { Connection, isGrpcServiceError } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { SEARCH_ATTRIBUTES } from '../contracts/names.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';

const SYSTEM_NAMESPACE = 'temporal-system';
const RETENTION = '7 days';
const CALL_MS = 2_000;
const POLL_MS = 100;
const PREPARE_MS = 60_000;
/** INDEXED_VALUE_TYPE_KEYWORD of Temporal's API. */
const KEYWORD = 2;

/** Whether frontend, history and matching answer. Rejects while the frontend does not. */
export async function isServingAll(address: string): Promise<boolean> {
  return withConnection(address, async ({ workflowService }) => {
    await workflowService.describeTaskQueue({ namespace: SYSTEM_NAMESPACE, taskQueue: { name: 'ready' } });
    try {
      await workflowService.describeWorkflowExecution({
        namespace: SYSTEM_NAMESPACE,
        execution: { workflowId: 'ready' },
      });
    } catch (error: unknown) {
      return hasStatus(error, status.NOT_FOUND);
    }
    return true;
  });
}

/**
 * Creates the namespace and its search attributes where they are missing, and waits until the server's caches know them:
 * before that it would refuse the first turns. Throws FriendlyError after a minute.
 */
export async function prepareNamespace(address: string, namespace: string): Promise<void> {
  const until = Date.now() + PREPARE_MS;
  for (;;) {
    try {
      await withConnection(address, (connection) => createMissing(connection, namespace));
      return;
    } catch (error: unknown) {
      // A new server limits calls that change a namespace to one a second.
      if (Date.now() > until) {
        throw new FriendlyError(
          `The namespace ${namespace} could not be created: ${error instanceof Error ? error.message : String(error)}`,
          { cause: error },
        );
      }
      await delay(POLL_MS);
    }
  }
}

async function createMissing(
  { workflowService, operatorService }: Connection,
  namespace: string,
): Promise<void> {
  try {
    await workflowService.describeNamespace({ namespace });
  } catch (error: unknown) {
    if (!hasStatus(error, status.NOT_FOUND)) throw error;
    await workflowService
      .registerNamespace({ namespace, workflowExecutionRetentionPeriod: msToTs(RETENTION) })
      .catch((failure: unknown) => {
        if (!hasStatus(failure, status.ALREADY_EXISTS)) throw failure;
      });
  }
  const names = Object.values(SEARCH_ATTRIBUTES);
  const { customAttributes } = await operatorService.listSearchAttributes({ namespace });
  if (!names.every((name) => name in (customAttributes ?? {}))) {
    await operatorService.addSearchAttributes({
      namespace,
      searchAttributes: Object.fromEntries(names.map((name) => [name, KEYWORD])),
    });
  }
  // Fails until the visibility store maps the names.
  await workflowService.countWorkflowExecutions({
    namespace,
    query: names.map((name) => `${name} = ''`).join(' AND '),
  });
}

async function withConnection<T>(address: string, work: (connection: Connection) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address, connectTimeout: CALL_MS });
  try {
    return await connection.withDeadline(Date.now() + CALL_MS, () => work(connection));
  } finally {
    await connection.close();
  }
}

function hasStatus(error: unknown, code: status): boolean {
  return isGrpcServiceError(error) && error.code === code;
}
