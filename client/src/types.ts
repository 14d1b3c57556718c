/** What the service answers and streams, with the names that it uses on the wire. One file, because the wire is one list. */
import type { Block, Edge, WorkflowDiff } from '../../domain/graph/graph.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';

export type { Block, Edge, Graph, Position, WorkflowDiff } from '../../domain/graph/graph.ts';
export type { Json, JsonObject } from '../../domain/text/json-value.ts';

/** Why a turn failed. */
export type ErrorCode =
  | 'model_auth'
  | 'model_quota'
  | 'model_rate_limited'
  | 'model_refused'
  | 'model_unavailable'
  | 'model_bad_response'
  | 'context_overflow'
  | 'workflow_gone'
  | 'internal';

/** Why a turn that did not fail has ended. */
export type StopReason = 'done' | 'cancelled' | 'step_limit' | 'loop' | 'budget';

export type Decision = 'approved' | 'rejected' | 'expired';

export interface Usage {
  calls: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  /** Decimal string in US dollars; null for a model without a price. */
  cost_usd: string | null;
}

/** A question that a turn asks a person. */
export interface Confirmation {
  call_id: string;
  name: string;
  arguments: JsonObject;
  summary: string;
  before: Json;
  after: Json;
  /** ISO 8601. */
  expires_at: string;
}

interface Numbered<Name extends string> {
  event: Name;
  /** Starts at 1 and has no gaps within a turn. */
  seq: number;
}

export interface StartEvent extends Numbered<'start'> {
  turn_id: string;
  session_id: string;
  user_message_id: string;
  message_id: string;
  model: string;
}

/** Without `seq` it is live only: what the service waits for just now. */
export interface StatusEvent {
  event: 'status';
  seq?: number;
  message: string;
  step?: number;
  tool?: string;
}

export interface ReasoningDeltaEvent extends Numbered<'reasoning_delta'> {
  step: number;
  delta: string;
}

export interface ContentDeltaEvent extends Numbered<'content_delta'> {
  step: number;
  delta: string;
}

/** All text of the turn so far is replaced by `content`, and the reasoning of the step is taken back. */
export interface ContentResetEvent extends Numbered<'content_reset'> {
  step: number;
  content: string;
}

export interface ToolCallEvent extends Numbered<'tool_call'> {
  name: string;
  /** The raw string where the model wrote no object. */
  arguments: JsonObject | string;
  call_id: string;
  step: number;
  tool_call: { id: string; name: string };
}

export interface ToolResultEvent extends Numbered<'tool_result'> {
  name: string;
  result: string;
  call_id: string;
  step: number;
  is_error: boolean;
  truncated: boolean;
}

export interface ConfirmationRequiredEvent extends Numbered<'confirmation_required'>, Confirmation {}

export interface ConfirmationResolvedEvent extends Numbered<'confirmation_resolved'> {
  call_id: string;
  decision: Decision;
  reason?: string;
}

export interface CompleteEvent extends Numbered<'complete'> {
  message_id: string;
  content: string;
  workflow_diff: WorkflowDiff | null;
  stop_reason: StopReason;
  usage: Usage;
  turn_id: string;
}

export interface ErrorEvent extends Numbered<'error'> {
  error: string;
  code: ErrorCode;
  message_id: string;
  turn_id: string;
}

/** An event of a turn. `complete` and `error` are the last ones. */
export type TurnEvent =
  | StartEvent
  | StatusEvent
  | ReasoningDeltaEvent
  | ContentDeltaEvent
  | ContentResetEvent
  | ToolCallEvent
  | ToolResultEvent
  | ConfirmationRequiredEvent
  | ConfirmationResolvedEvent
  | CompleteEvent
  | ErrorEvent;

export interface WorkflowSummary {
  id: string;
  name: string;
  description: string | null;
  version: number;
  state: string | null;
  created_at: string;
  updated_at: string;
}

/** An edge as it is stored. */
export interface StoredEdge extends Edge {
  id: string;
  /** `output` on a plain edge. */
  sourceHandle: string;
  targetHandle: string;
  /** The handle again, on edges out of a condition. */
  condition: string | null;
}

export interface Workflow extends WorkflowSummary {
  blocks: Block[];
  edges: StoredEdge[];
}

export interface WorkflowList {
  workflows: WorkflowSummary[];
  total: number;
  limit: number;
  offset: number;
}

/** The graph of a workflow after a snapshot or a revert. */
export interface AppliedWorkflow {
  ok: true;
  workflow: { id: string; version: number; blocks: Block[]; edges: StoredEdge[] };
}

export interface BlockTypeField {
  name: string;
  type: 'string' | 'number' | 'integer' | 'boolean' | 'object' | 'array' | 'any';
  required: boolean;
  default?: Json;
  enum?: string[];
  min?: number;
  max?: number;
  /** Owned by the platform: an edit may neither set nor change it. */
  server_owned?: true;
  description: string;
}

export interface BlockType {
  type: string;
  label: string;
  purpose: string;
  /** True for the entries of a workflow: exactly one, no edge into it. */
  trigger: boolean;
  /** True where nothing may follow. */
  terminal: boolean;
  config: BlockTypeField[];
  handles: { rule: string; of_example: string[] };
  /** Output fields that references may name, and what they are. */
  outputs: Record<string, string>;
  example: JsonObject;
}

export interface NewSession {
  id: string;
  workflow_id: string;
  created_at: string;
}

export interface Session extends NewSession {
  updated_at: string;
  active_turn_id: string | null;
}

export interface ListedSession extends Session {
  /** The first message, 80 characters of it. */
  title: string | null;
  /** How many messages the session has. */
  messages: number;
}

export interface ToolCallRecord {
  call_id: string;
  name: string;
  arguments: Json;
  result: string | null;
  is_error: boolean;
  step: number;
}

export interface Message {
  id: string;
  session_id: string;
  role: 'user' | 'assistant' | 'system';
  content: string;
  workflow_diff: WorkflowDiff | null;
  pre_snapshot: Json;
  /** What a person did with the diff. Null without a diff. */
  change: 'proposed' | 'applied' | 'reverted' | null;
  created_at: string;
  turn_id: string | null;
  status: 'complete' | 'cancelled' | 'failed';
  model: string | null;
  tool_calls: ToolCallRecord[];
  usage: Usage | null;
  content_truncated?: true;
  workflow_diff_omitted?: true;
  tool_calls_omitted?: true;
  tool_calls_deleted?: true;
  pre_snapshot_omitted?: true;
}

export interface Turn {
  id: string;
  status: 'starting' | 'running' | 'complete' | 'cancelled' | 'failed';
  step: number;
  model: string;
  started_at: string | null;
  finished_at: string | null;
  pending_confirmation: Confirmation | null;
  workflow_diff: WorkflowDiff | null;
  usage: Usage;
  stop_reason: StopReason | null;
  /** The turn in the Temporal UI. */
  temporal_url: string | null;
}

export interface ModelOption {
  label: string;
  value: string;
  provider: string;
  available: boolean;
}

export interface ModelSettings {
  model: string;
  default: string;
  options: ModelOption[];
}

export interface ModelUsage {
  model: string;
  turns: number;
  calls: number;
  estimated_calls: number;
  input_tokens: number;
  cached_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cost_usd: string | null;
}

export interface UsageReport {
  from: string | null;
  to: string | null;
  models: ModelUsage[];
  models_left_out?: number;
}

export type AuditAction =
  | 'workflow.graph.write'
  | 'message.snapshot'
  | 'message.revert'
  | 'settings.model.write'
  | 'session.delete'
  | 'asset.create'
  | 'asset.update'
  | 'asset.delete'
  | 'confirmation.decide';

export interface AuditEntry {
  id: string;
  at: string;
  /** The `sub` of the token, or its role when it has none; `retention`, with a null role, for retention. */
  actor: string;
  role: string | null;
  action: AuditAction;
  target: string;
  request_id: string | null;
}

export interface AuditLog {
  entries: AuditEntry[];
}

/** A node of an editor's canvas: flat, or as React Flow has it. */
export type CanvasNode =
  | {
      id: string;
      type: string;
      name: string;
      position?: { x: number; y: number };
      config?: JsonObject;
      enabled?: boolean;
    }
  | { id: string; data: JsonObject; position?: { x: number; y: number } };

export interface CanvasEdge {
  source: string;
  target: string;
  sourceHandle?: string | null;
}

/** An editor's canvas, as `workflow_state` and `pre_snapshot` take it. */
export interface Canvas {
  nodes: CanvasNode[];
  edges: CanvasEdge[];
}
