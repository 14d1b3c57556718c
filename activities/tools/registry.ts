/**
 * The registry through which every tool call goes. Arguments that do not fit a tool's schema become a result that says
 * what to change, never a failed turn.
 */
import type { ToolTraits } from '../../contracts/tools.ts';
import type { Confirmation, Decision, Question } from '../../db/turns/confirmations.ts';
import { isDeeperThan, withoutNulls } from '../../domain/text/json.ts';
import { THINKING } from '../../domain/text/status-map.ts';
import type { ModelTool } from '../../llm/types.ts';
import type { Db } from './assets/deps.ts';
import type { AssetResult } from './assets/perform-change.ts';
import { MAX_RESULT_CHARS } from './fit-result.ts';
import { toModelSchema } from './model-schema.ts';
import {
  type ConfirmedTool,
  type Tool,
  type ToolContext,
  type ToolDeps,
  toolFailure,
  type ToolLimits,
  type ToolOutcome,
  type ToolRow,
} from './tool.ts';

/** The limits of a tool whose row sets none. */
export const TOOL_LIMITS: ToolLimits = {
  calls: null,
  ms: 15_000,
  argumentChars: 64 * 1024,
  resultChars: MAX_RESULT_CHARS,
};

type Args = Record<string, unknown> | null;

export interface ToolRegistry {
  /** Sorted by name, so that requests share a prefix. */
  definitions: ModelTool[];
  /** How the turn makes a tool's calls; null when there is no such tool. */
  traits(name: string): ToolTraits | null;
  /** The status line while a call runs. A tool that does not exist gets the line of a thinking model. */
  status(name: string): string;
  /** The limits of a tool, also of one that does not exist. */
  limits(name: string): ToolLimits;
  /** Runs a call with parsed arguments (null when they were no JSON object). Throws only errors that a retry may mend. */
  run(name: string, args: Args, context: ToolContext): Promise<ToolOutcome>;
  /** Checks a call of a confirmed tool. Returns the refusal that is the tool's result, or the question for the user. */
  plan(
    name: string,
    args: Args,
    context: { workflowId: string },
  ): Promise<{ refusal: ToolOutcome } | { question: Question }>;
  /** The result of a decided call. Makes the change of an approved one. Throws only errors that a retry may mend. */
  perform(name: string, trx: Db, confirmation: Confirmation & { decision: Decision }): Promise<AssetResult>;
  preview(name: string, args: Args): string;
}

interface Entry {
  traits: ToolTraits;
  limits: ToolLimits;
  tool: Tool | ConfirmedTool;
}

/** Creates the registry of these tools. */
export function createToolRegistry(rows: readonly ToolRow[], deps: ToolDeps): ToolRegistry {
  const byName = new Map(rows.map((row) => [row.name, toEntry(row, deps)]));
  const names = [...byName.keys()].sort();
  const unknownTool = (name: string): ToolOutcome =>
    toolFailure('unknown_tool', `There is no tool ${name}.`, `The tools are: ${names.join(', ')}.`);
  const actionsOf = (name: string) => {
    const tool = byName.get(name)?.tool;
    return tool && 'actions' in tool ? tool.actions : null;
  };
  return {
    definitions: names.map((name) => toDefinition(name, byName.get(name)!.tool)),
    traits: (name) => byName.get(name)?.traits ?? null,
    status: (name) => byName.get(name)?.traits.status ?? THINKING,
    limits: (name) => byName.get(name)?.limits ?? TOOL_LIMITS,
    async run(name, args, context) {
      const tool = byName.get(name)?.tool;
      if (!tool) return unknownTool(name);
      if (args === null) {
        return toolFailure('invalid_arguments', 'The arguments are no JSON object.', 'Send one JSON object.');
      }
      if (isDeeperThan(args, MAX_LEVELS)) {
        return toolFailure(
          'invalid_arguments',
          `The arguments nest deeper than ${MAX_LEVELS} levels.`,
          'Send a flatter object.',
        );
      }
      if ('actions' in tool)
        return toolFailure('needs_confirmation', 'This tool works only with a confirmation of the user.');
      const parsed = parse(tool, args);
      if (!parsed.success) {
        const issues = parsed.error.issues
          .slice(0, 10)
          .map((issue) => `${issue.path.join('.') || 'arguments'}: ${issue.message}`);
        return toolFailure(
          'invalid_arguments',
          issues.join('; '),
          `Call ${name} again with arguments that fit its schema.`,
        );
      }
      return tool.run(parsed.data, context);
    },
    async plan(name, args, context) {
      return actionsOf(name)?.plan(args, context) ?? { refusal: unknownTool(name) };
    },
    async perform(name, trx, confirmation) {
      const actions = actionsOf(name);
      if (!actions) throw new Error(`this release has no tool ${name} that asks a person`);
      return actions.perform(trx, confirmation);
    },
    preview(name, args) {
      const tool = byName.get(name)?.tool;
      const parsed = args === null || !tool || isDeeperThan(args, MAX_LEVELS) ? undefined : parse(tool, args);
      return tool?.preview && parsed?.success ? `${name}: ${tool.preview(parsed.data)}` : name.slice(0, 64);
    },
  };
}

function toEntry(row: ToolRow, deps: ToolDeps): Entry {
  const { order, status, confirmed } = row;
  return {
    traits: { order, status, ...(confirmed ? { confirmed } : {}) },
    limits: { ...TOOL_LIMITS, ...row.limits },
    tool: row.create(deps),
  };
}

/** Deeper arguments are refused before they are read, because parsers and serialisers recurse. */
const MAX_LEVELS = 60;

/** In the strict form of a schema, a null leaves an argument out. */
function parse(tool: Tool | ConfirmedTool, args: Record<string, unknown>) {
  if (tool.checksItself) return { success: true, data: args } as const;
  return tool.input.safeParse(withoutNulls(args));
}

function toDefinition(name: string, tool: Tool | ConfirmedTool): ModelTool {
  return { name, description: tool.description, parameters: toModelSchema(tool.input) };
}
