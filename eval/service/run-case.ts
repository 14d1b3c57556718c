/** Plays a case on an instance, as a user of the page would, and gives what came of it. */
import {
  applyDiff,
  type Block,
  type Canvas,
  CopilotError,
  foldEvents,
  type Graph,
  initialTurnView,
  type StoredEdge,
  type TurnEvent,
} from '../../client/src/index.ts';
import type { CaseTurn, EvalCase, Outcome, TurnOutcome } from '../case.ts';
import { readAssets, resetProject, writeRuns } from './assets.ts';
import type { Instance } from './instance.ts';

/** A turn that takes longer counts as one that never ends. */
const TURN_LIMIT_MS = 15 * 60_000;

/** The name of the workflow of every case. */
const WORKFLOW = 'Shop workflow';

/** Runs a case. `onTurn` is told the number of each turn, from 0, before its message is sent. */
export async function runCase(
  { client, db }: Instance,
  evalCase: EvalCase,
  onTurn: (index: number) => void = () => undefined,
): Promise<Outcome> {
  await resetProject(db, evalCase.moreAgents ?? []);
  const { id: workflowId } = await client.workflows.create(WORKFLOW);
  await client.workflows.saveGraph(workflowId, evalCase.graph);
  await writeRuns(db, workflowId, evalCase.graph, evalCase.runs ?? []);
  const session = await client.sessions.create(workflowId);
  const { blocks, edges } = await client.workflows.get(workflowId);
  const before = toGraph(blocks, edges);
  const turns: TurnOutcome[] = [];
  let graph = before;
  for (const [index, turn] of evalCase.turns.entries()) {
    onTurn(index);
    const { outcome, messageId } = await playTurn(client, session.id, graph, turn);
    turns.push(outcome);
    if (outcome.error !== null || outcome.stopReason === null) break;
    if (outcome.diff === null || messageId === null || turn.change === 'leave') continue;
    const applied = await client.snapshot(session.id, messageId, toCanvas(graph));
    const { workflow } = turn.change === 'undo' ? await client.revert(session.id, messageId) : applied;
    graph = toGraph(workflow.blocks, workflow.edges);
  }
  return { before, after: graph, turns, assets: await readAssets(db) };
}

async function playTurn(
  client: Instance['client'],
  sessionId: string,
  before: Graph,
  { message, confirm }: CaseTurn,
): Promise<{ outcome: TurnOutcome; messageId: string | null }> {
  const startedAt = performance.now();
  const limit = AbortSignal.timeout(TURN_LIMIT_MS);
  let view = initialTurnView();
  let text = '';
  const streamFaults: string[] = [];
  for await (const event of client.chat(
    sessionId,
    { message, workflowState: toCanvas(before) },
    { signal: limit },
  )) {
    if (view.end !== null) streamFaults.push(`the event ${event.event} comes after the end`);
    text = textAfter(text, event);
    view = foldEvents(view, event);
    if (event.event === 'confirmation_required')
      await client.confirm(sessionId, view.turnId!, event.call_id, { approved: confirm === 'approve' });
  }
  const ms = performance.now() - startedAt;
  if (view.end === null) streamFaults.push(`the turn did not end within ${TURN_LIMIT_MS / 60_000} minutes`);
  if (view.end === 'complete' && text !== view.text)
    streamFaults.push('the deltas do not make up the answer of the event complete');
  if (confirm === undefined && view.confirmations.length > 0)
    streamFaults.push('the user was asked to confirm what this case does not ask for');
  for (const call of view.calls)
    if (call.state === 'running' && view.end === 'complete')
      streamFaults.push(`the call of ${call.name} has no result`);
  const outcome: TurnOutcome = {
    before,
    proposed: view.diff === null ? before : applyDiff(before, view.diff),
    answer: view.text,
    calls: view.calls.map((call) => ({
      name: call.name,
      arguments: call.arguments,
      result: call.result ?? '',
      isError: call.isError ?? false,
    })),
    questions: view.confirmations.map(({ summary, decision }) => ({
      summary,
      decision: decision === 'approved' ? 'approved' : 'rejected',
    })),
    diff: view.diff,
    stopReason: view.stopReason,
    error: view.error?.message ?? null,
    usage: view.usage,
    streamFaults,
    ms,
  };
  return { outcome, messageId: view.messageId };
}

function textAfter(text: string, event: TurnEvent): string {
  if (event.event === 'content_delta') return text + event.delta;
  return event.event === 'content_reset' ? event.content : text;
}

function toCanvas({ blocks, edges }: Graph): Canvas {
  return { nodes: blocks, edges };
}

/** A stored graph with the edges as the canvas has them. */
function toGraph(blocks: readonly Block[], edges: readonly StoredEdge[]): Graph {
  return {
    blocks: blocks.map(({ id, type, name, position, config, enabled }) => ({
      id,
      type,
      name,
      position,
      config,
      enabled,
    })),
    edges: edges.map(({ source, target, sourceHandle }) => ({
      source,
      target,
      ...(sourceHandle === 'output' ? {} : { sourceHandle }),
    })),
  };
}

/** The message of an error for the report. */
export function explain(error: unknown): string {
  if (error instanceof CopilotError) return `the service answered ${error.status}: ${error.message}`;
  return error instanceof Error ? error.message : String(error);
}
