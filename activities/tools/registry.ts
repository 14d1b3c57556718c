/**
 * The registry through which every tool comes. A tool is one file: name, description, input schema, run.
 * What does not fit its schema becomes a result that says what to change, never a failed turn.
 */
import { z } from 'zod';
import type { JsonObject } from '../../domain/text/json-value.ts';
import { isDeeperThan, isObject } from '../../domain/text/json.ts';
import type { ModelTool } from '../../llm/types.ts';

/** What a tool may see of its turn. */
export interface ToolContext {
  turnId: string;
  sessionId: string;
  /** The customer's workflow that the session belongs to. */
  workflowId: string;
  /** Aborts when nobody waits for the result any more. */
  signal: AbortSignal;
  /** The graph as the calls before have left it, as JSON text, and the ids the model gave to blocks that it added. */
  workingGraph(): Promise<{ text: string; aliases: ReadonlyMap<string, string> }>;
}

export interface ToolOutcome {
  /** Becomes one JSON object as text for the model. */
  result: object;
  isError: boolean;
  /** The graph after the call, as JSON text; stored in the same transaction as the result. Absent: unchanged. */
  graph?: { text: string; aliases: ReadonlyMap<string, string> };
}

export interface Tool<Input = unknown> {
  name: string;
  /** For the model: when to use it, when not, one short example. */
  description: string;
  input: z.ZodType<Input>;
  /** For a tool that checks its arguments itself, with better words than a schema has: they are passed on as they are. */
  checksItself?: boolean;
  run(input: Input, context: ToolContext): Promise<ToolOutcome>;
  /** One line for operators; holds counts and types, never the user's text. */
  preview?(input: Input): string;
}

export interface ToolRegistry {
  /** In the order of their names, so that requests share a prefix. */
  definitions: ModelTool[];
  /** Runs a call with parsed arguments (null when they were no JSON object). Throws only what a retry may mend. */
  run(name: string, args: Record<string, unknown> | null, context: ToolContext): Promise<ToolOutcome>;
  preview(name: string, args: Record<string, unknown> | null): string;
}

/** Makes a tool's failure: what went wrong, a stable code, and what to do instead. */
export function toolFailure(code: string, error: string, hint?: string): ToolOutcome {
  return { result: { error, code, ...(hint === undefined ? {} : { hint }) }, isError: true };
}

/** A tool whose input type does not matter: each parses its own. */
export type AnyTool = Tool;

/** Types a tool by its schema, so that a registry can hold tools of different inputs. */
export function defineTool<Input>(tool: Tool<Input>): AnyTool {
  return tool;
}

/** Collects the tools. */
export function createToolRegistry(tools: readonly AnyTool[]): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const names = [...byName.keys()].sort();
  return {
    definitions: names.map((name) => toDefinition(byName.get(name)!)),
    async run(name, args, context) {
      const tool = byName.get(name);
      if (!tool)
        return toolFailure(
          'unknown_tool',
          `There is no tool ${name}.`,
          `The tools are: ${names.join(', ')}.`,
        );
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
    preview(name, args) {
      const tool = byName.get(name);
      const parsed = args === null || !tool || isDeeperThan(args, MAX_LEVELS) ? undefined : parse(tool, args);
      return tool?.preview && parsed?.success ? `${name}: ${tool.preview(parsed.data)}` : name.slice(0, 64);
    },
  };
}

/** Arguments deeper than this are refused unread: parsers and serialisers recurse. */
const MAX_LEVELS = 60;

function parse(tool: Tool, args: Record<string, unknown>) {
  return tool.checksItself ? ({ success: true, data: args } as const) : tool.input.safeParse(dropNulls(args));
}

/** In a strict schema an optional argument is nullable and its null means absent: at the top level we drop it. */
function dropNulls(args: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== null));
}

function toDefinition(tool: Tool): ModelTool {
  const { $schema: _, ...schema } = z.toJSONSchema(tool.input, { io: 'input' });
  return { name: tool.name, description: tool.description, parameters: toStrict(schema as JsonObject) };
}

/**
 * The strict form of a schema: every property required, what was optional nullable. An object that takes any key
 * (a block's config) stays as it is, and the adapter then leaves `strict` off for the tool.
 */
function toStrict(schema: JsonObject): JsonObject {
  const out: JsonObject = { ...schema };
  if (isObject(out.items)) out.items = toStrict(out.items);
  if (Array.isArray(out.anyOf)) out.anyOf = out.anyOf.map((part) => (isObject(part) ? toStrict(part) : part));
  if (!isObject(out.properties)) return out;
  const required = new Set(Array.isArray(out.required) ? out.required : []);
  out.properties = Object.fromEntries(
    Object.entries(out.properties).map(([key, value]) => {
      const strict = isObject(value) ? toStrict(value) : value;
      return [key, required.has(key) ? strict : { anyOf: [strict, { type: 'null' }] }];
    }),
  );
  out.required = Object.keys(out.properties);
  out.additionalProperties = false;
  return out;
}
