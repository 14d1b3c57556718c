import { ask as request, type RequestOptions, segment } from './request.ts';
import { type ChatOptions, chatTurn, type EventsOptions, knownTurn } from './turn-sources.ts';
import { type StreamConnection, streamTurn } from './turn-stream.ts';
import type {
  AppliedWorkflow,
  Block,
  BlockType,
  Canvas,
  CanvasEdge,
  ListedSession,
  Message,
  ModelSettings,
  NewSession,
  Session,
  Turn,
  TurnEvent,
  UsageReport,
  Workflow,
  WorkflowList,
} from './types.ts';

export type ClientOptions = StreamConnection;

/** The service, typed. Answers come as the service gives them; every method throws CopilotError. */
export interface CopilotClient {
  readonly workflows: {
    list(page?: { limit?: number; offset?: number }): Promise<WorkflowList>;
    create(name: string): Promise<{ id: string; name: string }>;
    get(id: string): Promise<Workflow>;
    /** With `version`, a 409 (`body.version`) when the workflow was changed since. */
    saveGraph(
      id: string,
      graph: { blocks: Block[]; edges: CanvasEdge[]; version?: number },
    ): Promise<{ ok: true; version: number }>;
  };
  blockTypes(): Promise<{ block_types: BlockType[] }>;
  readonly sessions: {
    create(workflowId: string): Promise<NewSession>;
    /** Newest first; `before` is the id of a session. */
    list(
      workflowId: string,
      page?: { limit?: number; before?: string },
    ): Promise<{ sessions: ListedSession[] }>;
    newest(workflowId: string): Promise<{ session: Session | null }>;
    delete(id: string): Promise<void>;
    /** Oldest first; `message` gives that one whole. */
    messages(
      sessionId: string,
      page?: { limit?: number; before?: string; message?: string },
    ): Promise<{ messages: Message[] }>;
  };
  readonly settings: {
    get(): Promise<ModelSettings>;
    setModel(model: string): Promise<{ ok: true; model: string; available: boolean }>;
  };
  /** ISO 8601 times; `from` is inside the range, `to` is not. */
  usage(range?: { from?: string; to?: string }): Promise<UsageReport>;
  /** Applies the change that a message proposes. */
  snapshot(sessionId: string, messageId: string, canvas: Canvas): Promise<AppliedWorkflow>;
  /** Undoes the change of a message. */
  revert(sessionId: string, messageId: string): Promise<AppliedWorkflow>;
  turn(sessionId: string, turnId: string): Promise<Turn>;
  cancel(sessionId: string, turnId: string): Promise<{ ok: true }>;
  confirm(
    sessionId: string,
    turnId: string,
    callId: string,
    decision: { approved: boolean; reason?: string },
  ): Promise<{ ok: true; decision: 'approved' | 'rejected' }>;
  /** Sends a message when the iteration begins, and gives the events of its turn. */
  chat(
    sessionId: string,
    input: { message: string; workflowState?: Canvas },
    options?: ChatOptions,
  ): AsyncIterableIterator<TurnEvent>;
  /** The events of a turn that runs or has ended. */
  events(sessionId: string, turnId: string, options?: EventsOptions): AsyncIterableIterator<TurnEvent>;
}

/** A client of one service. It holds no connection and no state of its own. */
export function createCopilotClient(connection: ClientOptions): CopilotClient {
  const ask = <T>(
    method: RequestOptions['method'],
    path: string,
    rest: Pick<RequestOptions, 'query' | 'body'> = {},
  ): Promise<T> => request<T>(connection, { method, path, ...rest });
  const session = (id: string): string => `/api/copilot/sessions/${segment(id)}`;
  const turn = (sessionId: string, turnId: string): string =>
    `${session(sessionId)}/turns/${segment(turnId)}`;
  const message = (sessionId: string, messageId: string): string =>
    `${session(sessionId)}/messages/${segment(messageId)}`;
  const workflow = (id: string): string => `/api/workflows/${segment(id)}`;

  return {
    workflows: {
      list: (page) => ask('GET', '/api/workflows', { query: { ...page } }),
      create: (name) => ask('POST', '/api/workflows', { body: { name } }),
      get: (id) => ask('GET', workflow(id)),
      saveGraph: (id, graph) => ask('PUT', `${workflow(id)}/graph`, { body: graph }),
    },
    blockTypes: () => ask('GET', '/api/block-types'),
    sessions: {
      create: (workflowId) => ask('POST', '/api/copilot/sessions', { body: { workflow_id: workflowId } }),
      list: (workflowId, page) => ask('GET', `${workflow(workflowId)}/sessions`, { query: { ...page } }),
      newest: (workflowId) => ask('GET', '/api/copilot/sessions', { query: { workflow_id: workflowId } }),
      delete: (id) => ask('DELETE', session(id)),
      messages: (id, page) => ask('GET', `${session(id)}/messages`, { query: { ...page } }),
    },
    settings: {
      get: () => ask('GET', '/api/copilot/settings/model'),
      setModel: (model) => ask('PUT', '/api/copilot/settings/model', { body: { model } }),
    },
    usage: (range) => ask('GET', '/api/copilot/usage', { query: { ...range } }),
    snapshot: (sessionId, messageId, canvas) =>
      ask('POST', `${message(sessionId, messageId)}/snapshot`, { body: { pre_snapshot: canvas } }),
    revert: (sessionId, messageId) => ask('POST', `${message(sessionId, messageId)}/revert`),
    turn: (sessionId, turnId) => ask('GET', turn(sessionId, turnId)),
    cancel: (sessionId, turnId) => ask('POST', `${turn(sessionId, turnId)}/cancel`),
    confirm: (sessionId, turnId, callId, decision) =>
      ask('POST', `${turn(sessionId, turnId)}/confirmations/${segment(callId)}`, { body: decision }),
    chat: (sessionId, input, options = {}) =>
      streamTurn(connection, chatTurn(connection, sessionId, input, options), options),
    events: (sessionId, turnId, options = {}) =>
      streamTurn(connection, knownTurn(connection, sessionId, turnId, options.after ?? 0), options),
  };
}
