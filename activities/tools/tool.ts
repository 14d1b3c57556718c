/** The types of a tool. docs/architecture.md says how its calls are made; CONTRIBUTING.md says how a tool is added. */
import type { z } from 'zod';
import type { ToolTraits } from '../../contracts/tools.ts';
import type { Catalogue } from '../../models/catalogue.ts';
import type { ProjectReader } from '../../db/assets/project-reader.ts';
import type { SqlSandbox } from '../../db/sql-sandbox/sql-sandbox.ts';
import type { PythonChecker } from '../../domain/rules/python.ts';
import type { AssetActions } from './assets/asset-actions.ts';
import type { AssetDeps } from './assets/deps.ts';
import type { EditResult, EditTask } from './run-edit.ts';

/** What the tools are created from. Each tool takes the parts that it needs. */
export interface ToolDeps {
  /** Reads the project's agents, workflows and other assets, and the runs of workflows. */
  project: ProjectReader;
  /** Reads the tables of schema public. */
  sandbox: SqlSandbox;
  python: PythonChecker;
  /** Applies edits of any size. When absent, edits are applied on the main thread. */
  editGraph?: (task: EditTask, signal: AbortSignal) => Promise<EditResult>;
  /** The models that agents may use. */
  catalogue: Pick<Catalogue, 'models'>;
  /** Plans and makes changes of assets. */
  assets: AssetDeps;
}

/** The part of its turn that a tool may see. */
export interface ToolContext {
  turnId: string;
  sessionId: string;
  /** The customer's workflow that the session belongs to. */
  workflowId: string;
  /** Aborts when nobody waits for the result any more. */
  signal: AbortSignal;
  /**
   * The graph after the earlier calls, as JSON text, and the ids that the model gave to blocks that it added. `turnStart` is
   * the graph with which the turn began; null when no call has changed it.
   */
  workingGraph(): Promise<{
    text: string;
    aliases: ReadonlyMap<string, string>;
    turnStart: string | null;
  }>;
  /** The newest messages that the user wrote in this session, this turn's among them. */
  userMessages(): Promise<readonly string[]>;
}

export interface ToolOutcome {
  /** The model gets it as one JSON text. */
  result: object;
  isError: boolean;
  /** The graph after the call, as JSON text; stored in the same transaction as the result. Absent: unchanged. */
  graph?: { text: string; aliases: ReadonlyMap<string, string> };
}

/** The parts that all tools have. */
interface Described<Input> {
  /** For the model: when to use it, when not, one short example. */
  description: string;
  input: z.ZodType<Input>;
  /** Set for a tool that checks its arguments itself, with better messages than a schema: they are passed on unchecked. */
  checksItself?: boolean;
  /** One line for operators; holds counts and types, never the user's text. */
  preview?(input: Input): string;
}

/** A tool whose calls run at once. */
export interface Tool<Input = unknown> extends Described<Input> {
  run(input: Input, context: ToolContext): Promise<ToolOutcome>;
}

/** A tool whose calls are planned, shown to a person, and performed when that person agrees. */
export interface ConfirmedTool<Input = unknown> extends Described<Input> {
  actions: AssetActions;
}

/** The limits of a tool's calls. */
export interface ToolLimits {
  /** Calls that a turn may make; further ones are refused. `noun` names them in the refusal. */
  calls: { atMost: number; noun: string } | null;
  /** The time of a call, including its repetitions. The activity itself ends after 30 s. */
  ms: number;
  /** Longer arguments are refused before they are parsed. */
  argumentChars: number;
  /** The most characters of the result as JSON text. */
  resultChars: number;
}

/** A tool's row in the registry. Names are stored in histories, transcripts and clients: never rename a tool. */
export type ToolRow = ToolTraits & {
  name: string;
  /** The limits that differ from those of the other tools. */
  limits?: Partial<ToolLimits>;
} & (
    | { confirmed?: never; create: (deps: ToolDeps) => Tool }
    | { confirmed: true; create: (deps: ToolDeps) => ConfirmedTool }
  );

/** Types a tool by its schema, so that a registry can hold tools of different inputs. */
export function defineTool<Input>(tool: Tool<Input>): Tool {
  return tool;
}

/** Types a confirmed tool by its schema. */
export function defineConfirmedTool<Input>(tool: ConfirmedTool<Input>): ConfirmedTool {
  return tool;
}

/** Creates a failed result: what went wrong, a stable code, and what to do instead. */
export function toolFailure(code: string, error: string, hint?: string): ToolOutcome {
  return { result: { error, code, ...(hint === undefined ? {} : { hint }) }, isError: true };
}
