/**
 * The metrics of this process, and the page that shows them. A process creates one set and gives it to its API and its
 * worker. Labels have few values: names of models, tools, routes and codes; never an id. docs/metrics.md lists all metrics.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

/** The connections of a Postgres pool. */
export interface PoolUse {
  used: number;
  idle: number;
  /** Statements that wait for a connection. */
  waiting: number;
}

/** The tasks of a thread pool. */
export interface TaskUse {
  running: number;
  waiting: number;
}

export type Role = 'api' | 'worker';
export type Metrics = ReturnType<typeof createMetrics>;

/** A part of the page that is read when the page is. It must end by itself, and never reject. */
export type PagePart = () => Promise<string>;

/** From the first token of a server nearby to the longest call. Most activities take some ten milliseconds. */
const MODEL_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300];
const WORK_SECONDS = [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** Creates the metrics. Without `runtime`, the figures of the Node process are left out. */
export function createMetrics({ runtime = true }: { runtime?: boolean } = {}) {
  const registry = new Registry();
  const registers = [registry];
  const reads = new Set<() => void>();
  const parts = new Set<PagePart>();
  if (runtime) collectDefaultMetrics({ register: registry });

  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    buckets: number[],
  ) => new Histogram<Label>({ name, help, labelNames, buckets, registers });
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[]) =>
    new Gauge<Label>({ name, help, labelNames, registers });

  const connections = gauge('copilot_postgres_connections', 'Connections of the Postgres pools, by use.', [
    'role',
    'state',
  ]);
  const connectionWaiters = gauge(
    'copilot_postgres_connection_waiters',
    'Statements that wait for a connection of the pool.',
    ['role'],
  );
  const tasks = gauge('copilot_thread_tasks', 'Tasks of the thread pools, by state.', ['role', 'state']);

  return {
    registry,
    firstToken: histogram(
      'copilot_first_token_seconds',
      "From the chat request to the first token of the turn's first model call.",
      [],
      MODEL_SECONDS,
    ),
    modelFirstToken: histogram(
      'copilot_model_first_token_seconds',
      'From the request to the provider to its first token, by model.',
      ['model'],
      MODEL_SECONDS,
    ),
    modelCall: histogram(
      'copilot_model_call_seconds',
      'Duration of the requests to the provider, by model.',
      ['model'],
      MODEL_SECONDS,
    ),
    tool: histogram(
      'copilot_tool_seconds',
      'Duration of tool calls with their repetitions, by tool.',
      ['tool'],
      WORK_SECONDS,
    ),
    activity: histogram(
      'copilot_activity_seconds',
      'Duration of activity attempts. callModel is the model part of a step with its prompt and its storing.',
      ['activity'],
      MODEL_SECONDS,
    ),
    retries: counter('copilot_retries_total', 'Activity attempts that Temporal repeats, by the error code.', [
      'code',
    ]),
    eventFlush: histogram(
      'copilot_event_flush_seconds',
      'Duration of the statements that write the event log.',
      [],
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    ),
    eventsWritten: counter('copilot_events_written_total', 'Events that were written to the event log.', []),
    eventsPending: gauge(
      'copilot_events_pending',
      'Events of this worker that wait to be written to the event log.',
      [],
    ),
    sqlRefusals: counter('copilot_sql_refusals_total', 'Queries of the model that were refused, by reason.', [
      'code',
    ]),
    sqlSurvivors: gauge(
      'copilot_sql_survivors',
      'Postgres backends that go on after their cancel. SQL is off while there is one.',
      [],
    ),
    sqlSurvived: counter(
      'copilot_sql_survivors_total',
      'Postgres backends that went on after their cancel.',
      [],
    ),
    requests: counter('copilot_http_requests_total', 'Answered requests, by route and status.', [
      'method',
      'route',
      'status',
    ]),
    requestSeconds: histogram(
      'copilot_http_request_seconds',
      'Time until an answer began, by route.',
      ['method', 'route'],
      WORK_SECONDS,
    ),
    streamsOpen: gauge('copilot_streams_open', 'Open event streams of this process.', []),
    streamsBlocked: gauge(
      'copilot_streams_blocked',
      'Open event streams whose reader takes no more bytes.',
      [],
    ),
    slowReaders: counter(
      'copilot_slow_readers_total',
      'How often a reader of a stream took no more bytes.',
      [],
    ),
    sweeperFindings: counter(
      'copilot_sweeper_findings_total',
      'Turns that were found wrong and corrected, by kind; failed: could not be checked.',
      ['finding'],
    ),

    /** Shows the connections of a role's Postgres pool. Returns a function that ends it. */
    watchConnections(role: Role, read: () => PoolUse): () => void {
      return this.onScrape(() => {
        const { used, idle, waiting } = read();
        connections.set({ role, state: 'used' }, used);
        connections.set({ role, state: 'idle' }, idle);
        connectionWaiters.set({ role }, waiting);
      });
    },
    /** Shows the tasks of a role's thread pool. Returns a function that ends it. */
    watchTasks(role: Role, read: () => TaskUse): () => void {
      return this.onScrape(() => {
        const { running, waiting } = read();
        tasks.set({ role, state: 'running' }, running);
        tasks.set({ role, state: 'waiting' }, waiting);
      });
    },
    /** Calls `read` before each page, to set gauges. Returns a function that ends it. */
    onScrape(read: () => void): () => void {
      reads.add(read);
      return () => void reads.delete(read);
    },
    /** Adds a part to the page. Returns a function that ends it. */
    addPart(part: PagePart): () => void {
      parts.add(part);
      return () => void parts.delete(part);
    },
    /** The media type of the page. */
    contentType: registry.contentType,
    /** The page in Prometheus' text format. */
    async page(): Promise<string> {
      const others = await Promise.all([...parts].map((part) => part()));
      for (const read of reads) read();
      return [await registry.metrics(), ...others]
        .map((text) => text.trim())
        .filter((text) => text !== '')
        .join('\n')
        .concat('\n');
    },
  };
}
