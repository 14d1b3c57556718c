import { ask as request, type CallOptions, type RequestOptions, segment } from './request.ts';
import { type ChatOptions, chatTurn, type EventsOptions, knownTurn } from './turn-sources.ts';
import { type StreamConnection, streamTurn } from './turn-stream.ts';
import type {
  AppliedWorkflow,
  AuditLog,
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

/**
 * The service, typed. Answers come as the service gives them; every method throws CopilotError. The last argument may hold a
 * `signal`.
 */
export interface CopilotClient {
  readonly workflows: {
    list(page?: { limit?: number; offset?: number }, options?: CallOptions): Promise<WorkflowList>;
    create(name: string, options?: CallOptions): Promise<{ id: string; name: string }>;
    get(id: string, options?: CallOptions): Promise<Workflow>;
    /** With `version`, a 409 (`body.version`) when the workflow was changed since. */
    saveGraph(
      id: string,
      graph: { blocks: Block[]; edges: CanvasEdge[]; version?: number },
      options?: CallOptions,
    ): Promise<{ ok: true; version: number }>;
  };
  blockTypes(options?: CallOptions): Promise<{ block_types: BlockType[] }>;
  readonly sessions: {
    create(workflowId: string, options?: CallOptions): Promise<NewSession>;
    /** Newest first; `before` is the id of a session. */
    list(
      workflowId: string,
      page?: { limit?: number; before?: string },
      options?: CallOptions,
    ): Promise<{ sessions: ListedSession[] }>;
    newest(workflowId: string, options?: CallOptions): Promise<{ session: Session | null }>;
    delete(id: string, options?: CallOptions): Promise<void>;
    /** Oldest first; `message` gives that one whole. */
    messages(
      sessionId: string,
      page?: { limit?: number; before?: string; message?: string },
      options?: CallOptions,
    ): Promise<{ messages: Message[] }>;
  };
  readonly settings: {
    get(options?: CallOptions): Promise<ModelSettings>;
    setModel(model: string, options?: CallOptions): Promise<{ ok: true; model: string; available: boolean }>;
  };
  /** ISO 8601 times; `from` is inside the range, `to` is not. */
  usage(range?: { from?: string; to?: string }, options?: CallOptions): Promise<UsageReport>;
  /** Who changed what, newest first, for service tokens; `before` is the id of an entry. */
  audit(page?: { limit?: number; before?: string }, options?: CallOptions): Promise<AuditLog>;
  /** Applies the change that a message proposes. */
  snapshot(
    sessionId: string,
    messageId: string,
    canvas: Canvas,
    options?: CallOptions,
  ): Promise<AppliedWorkflow>;
  /** Undoes the change of a message. */
  revert(sessionId: string, messageId: string, options?: CallOptions): Promise<AppliedWorkflow>;
  turn(sessionId: string, turnId: string, options?: CallOptions): Promise<Turn>;
  cancel(sessionId: string, turnId: string, options?: CallOptions): Promise<{ ok: true }>;
  confirm(
    sessionId: string,
    turnId: string,
    callId: string,
    decision: { approved: boolean; reason?: string },
    options?: CallOptions,
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
    options: CallOptions | undefined,
    rest: Pick<RequestOptions, 'query' | 'body'> = {},
  ): Promise<T> => request<T>(connection, { method, path, ...rest }, options);
  const session = (id: string): string => `/api/copilot/sessions/${segment(id)}`;
  const turn = (sessionId: string, turnId: string): string =>
    `${session(sessionId)}/turns/${segment(turnId)}`;
  const message = (sessionId: string, messageId: string): string =>
    `${session(sessionId)}/messages/${segment(messageId)}`;
  const workflow = (id: string): string => `/api/workflows/${segment(id)}`;

  return {
    workflows: {
      list: (page, options) => ask('GET', '/api/workflows', options, { query: { ...page } }),
      create: (name, options) => ask('POST', '/api/workflows', options, { body: { name } }),
      get: (id, options) => ask('GET', workflow(id), options),
      saveGraph: (id, graph, options) => ask('PUT', `${workflow(id)}/graph`, options, { body: graph }),
    },
    blockTypes: (options) => ask('GET', '/api/block-types', options),
    sessions: {
      create: (workflowId, options) =>
        ask('POST', '/api/copilot/sessions', options, { body: { workflow_id: workflowId } }),
      list: (workflowId, page, options) =>
        ask('GET', `${workflow(workflowId)}/sessions`, options, { query: { ...page } }),
      newest: (workflowId, options) =>
        ask('GET', '/api/copilot/sessions', options, { query: { workflow_id: workflowId } }),
      delete: (id, options) => ask('DELETE', session(id), options),
      messages: (id, page, options) => ask('GET', `${session(id)}/messages`, options, { query: { ...page } }),
    },
    settings: {
      get: (options) => ask('GET', '/api/copilot/settings/model', options),
      setModel: (model, options) => ask('PUT', '/api/copilot/settings/model', options, { body: { model } }),
    },
    usage: (range, options) => ask('GET', '/api/copilot/usage', options, { query: { ...range } }),
    audit: (page, options) => ask('GET', '/api/copilot/audit', options, { query: { ...page } }),
    snapshot: (sessionId, messageId, canvas, options) =>
      ask('POST', `${message(sessionId, messageId)}/snapshot`, options, { body: { pre_snapshot: canvas } }),
    revert: (sessionId, messageId, options) =>
      ask('POST', `${message(sessionId, messageId)}/revert`, options),
    turn: (sessionId, turnId, options) => ask('GET', turn(sessionId, turnId), options),
    cancel: (sessionId, turnId, options) => ask('POST', `${turn(sessionId, turnId)}/cancel`, options),
    confirm: (sessionId, turnId, callId, decision, options) =>
      ask('POST', `${turn(sessionId, turnId)}/confirmations/${segment(callId)}`, options, { body: decision }),
    chat: (sessionId, input, options = {}) =>
      streamTurn(connection, chatTurn(connection, sessionId, input, options), options),
    events: (sessionId, turnId, options = {}) =>
      streamTurn(connection, knownTurn(connection, sessionId, turnId, options.after ?? 0), options),
  };
}
