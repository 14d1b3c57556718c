/** What a case of the eval is, and what a run of one tells its checks. Data only. */
import type { Graph, JsonObject, StopReason, Usage, WorkflowDiff } from '../client/src/index.ts';

/** One request or conversation of a user, with the state that it begins in and the checks on what came of it. */
export interface EvalCase {
  /** Unique. The recorded answers and the snapshot carry this name. */
  id: string;
  /** What a user wants here, in one line. */
  about: string;
  /** The workflow that is open. */
  graph: Graph;
  /** The past runs of that workflow. */
  runs?: readonly RunFixture[];
  /** Agents that stand beside those of the project. */
  moreAgents?: readonly AgentFixture[];
  turns: readonly CaseTurn[];
  /** In addition to SOUND, which every case must pass. */
  checks: readonly Check[];
}

export interface CaseTurn {
  message: string;
  /** How the user answers each question of the turn. A question of a turn without this is rejected and fails the case. */
  confirm?: 'approve' | 'reject';
  /** What the user does with the proposed change. `apply` is the default. */
  change?: 'apply' | 'leave' | 'undo';
}

/** A run of the open workflow. Blocks that are not named did not run. */
export interface RunFixture {
  status: 'completed' | 'failed';
  /** ISO 8601. */
  at: string;
  input: JsonObject;
  output?: JsonObject;
  error?: string;
  blocks: readonly {
    name: string;
    status: 'success' | 'error' | 'skipped';
    input?: JsonObject;
    output?: JsonObject;
    error?: string;
  }[];
}

export interface AgentFixture {
  id: string;
  name: string;
  model: string;
  systemPrompt: string;
}

/** A deterministic check. */
export interface Check {
  /** What must hold, in words. */
  says: string;
  /** Why it does not hold; null when it does. */
  fault(outcome: Outcome): string | null;
}

export interface Outcome {
  /** The workflow at the start of the case. */
  before: Graph;
  /** The workflow at the end, after what the user applied or undid. */
  after: Graph;
  turns: readonly TurnOutcome[];
  assets: AssetState;
}

export interface TurnOutcome {
  /** The canvas that went along. */
  before: Graph;
  /** The canvas with the proposed change. */
  proposed: Graph;
  answer: string;
  calls: readonly CallOutcome[];
  questions: readonly { summary: string; decision: 'approved' | 'rejected' }[];
  diff: WorkflowDiff | null;
  stopReason: StopReason | null;
  /** The message of a turn that failed. */
  error: string | null;
  usage: Usage | null;
  /** What is wrong with the stream of the turn. */
  streamFaults: readonly string[];
  /** From the request to the end of the stream. */
  ms: number;
}

export interface CallOutcome {
  name: string;
  arguments: JsonObject | string;
  /** As the stream has it: at most 2,000 characters. */
  result: string;
  isError: boolean;
}

/** The assets of the project at the end of a case. */
export interface AssetState {
  agents: readonly {
    id: string;
    name: string;
    model: string | null;
    systemPrompt: string | null;
    settings: JsonObject;
    knowledgeBases: readonly string[];
  }[];
  knowledgeBases: readonly {
    id: string;
    name: string;
    description: string | null;
    sources: readonly string[];
  }[];
  orchestrations: readonly { id: string; name: string; strategy: string; members: readonly string[] }[];
  workflows: readonly { id: string; name: string }[];
}
