/** runTool: one tool call of a turn, run once and stored with its events. */
import type { TurnEvent } from '../contracts/events.ts';
import type { RunToolInput, RunToolResult } from '../contracts/turn.ts';
import type { Graph } from '../domain/graph.ts';
import { parseJsonObject } from '../domain/json.ts';
import { ANALYZING, statusForTool } from '../domain/status-map.ts';
import { runAttempt } from './attempt.ts';
import type { ActivityDeps } from './deps.ts';
import type { ToolOutcome } from './tools/registry.ts';
import { MAX_RESULT_CHARS } from './tools/fit-result.ts';
import type { AssistantBody, ToolBody } from './transcript.ts';

/** A reader is shown this much of a result; the model and GET messages get all of it. */
const READABLE_CHARS = 2_000;
/** Arguments longer than this are refused unread. */
const MAX_ARGUMENT_CHARS = 256 * 1024;

/** Creates the tool activity. */
export function createToolActivities(deps: ActivityDeps) {
  return {
    /** Runs a tool call, or returns its stored result. A tool's own failure is a result, not a failed activity. */
    async runTool(input: RunToolInput): Promise<RunToolResult> {
      return runAttempt(
        deps,
        () => null,
        ({ signal }) => performTool(deps, input, signal),
      );
    },
  };
}

async function performTool(
  deps: ActivityDeps,
  input: RunToolInput,
  signal: AbortSignal,
): Promise<RunToolResult> {
  const { turnId, step, callId, name } = input;
  const { text, position } = await findCall(deps, input);
  const args = text.length > MAX_ARGUMENT_CHARS ? null : parseJsonObject(text);
  const announce: TurnEvent[] = [
    { event: 'status', message: statusForTool(name), step, tool: name },
    {
      event: 'tool_call',
      name,
      arguments: args ?? text.slice(0, MAX_ARGUMENT_CHARS),
      call_id: callId,
      step,
      tool_call: { id: callId, name },
    },
  ];
  const key = `call:${callId}`;
  const claim = await deps.store.claimWork({
    turnId,
    key,
    step,
    onFirst: announce,
    textBefore: async () => '',
  });
  if (claim.stored !== null) return toResult(JSON.parse(claim.stored) as ToolBody);

  const outcome = await runOnce(deps, name, args, turnId, signal);
  signal.throwIfAborted();
  const content = JSON.stringify(outcome.result);
  const preview = deps.tools.preview(name, args) + (outcome.isError ? ' (refused)' : '');
  const body: ToolBody = { callId, name, content, isError: outcome.isError, preview };
  const truncated = content.length > READABLE_CHARS;
  await deps.store.saveWork(
    claim.fence,
    {
      entry: { step, position, role: 'tool', body: JSON.stringify(body) },
      events: [
        {
          event: 'tool_result',
          name,
          result: content.slice(0, READABLE_CHARS),
          call_id: callId,
          step,
          is_error: outcome.isError,
          truncated,
        },
        { event: 'status', message: ANALYZING, step, tool: name },
      ],
      ...(outcome.graph
        ? {
            graph: {
              working: JSON.stringify(outcome.graph.graph),
              aliases: Object.fromEntries(outcome.graph.aliases),
            },
          }
        : {}),
    },
    signal,
  );
  return toResult(body);
}

/** The call as the model wrote it: its raw arguments, and its place among the calls of the step. */
async function findCall(
  deps: ActivityDeps,
  input: RunToolInput,
): Promise<{ text: string; position: number }> {
  const entries = await deps.store.listTranscript(input.turnId, input.step);
  const answer = entries.find((entry) => entry.role === 'assistant');
  const calls = answer ? (JSON.parse(answer.body) as AssistantBody).toolCalls : [];
  const index = calls.findIndex((call) => call.callId === input.callId);
  const call = calls[index];
  // The row is gone only when the session is; claiming says so with the right error.
  return { text: call?.arguments ?? '', position: index + 1 };
}

async function runOnce(
  deps: ActivityDeps,
  name: string,
  args: Record<string, unknown> | null,
  turnId: string,
  signal: AbortSignal,
): Promise<ToolOutcome> {
  const context = await deps.store.loadTurnContext(turnId);
  const outcome = await deps.tools.run(name, args, {
    turnId,
    sessionId: context.sessionId,
    workflowId: context.workflowId,
    signal,
    async workingGraph() {
      const { working, aliases } = await deps.store.loadWorkingGraph(turnId);
      return { graph: JSON.parse(working) as Graph, aliases: new Map(Object.entries(aliases)) };
    },
  });
  if (JSON.stringify(outcome.result).length > MAX_RESULT_CHARS)
    throw new Error(`the result of ${name} is too large`);
  return outcome;
}

function toResult(body: ToolBody): RunToolResult {
  return { isError: body.isError, preview: body.preview };
}
