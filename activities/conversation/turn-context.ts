/** What a turn is told of its surroundings: the time, the workflow, and what became of earlier changes. */
import type { EarlierChange, EarlierTurn } from '../../db/turns/earlier-changes.ts';
import type { SessionHistory } from '../../db/turns/history.ts';
import type { TurnContext } from '../../db/turns/turn-context.ts';
import { summarizeDiff } from '../../domain/graph/summarize-diff.ts';
import { hideInText } from '../../domain/text/hide-secrets.ts';
import type { ChangeOutcome } from '../../llm/prompt/context.ts';
import type { ActivityDeps } from '../deps.ts';

/** So many changes are named; older ones are counted. */
const MAX_CHANGES = 5;

/** The context's text for the prompt of a turn; null for a version of the prompt that has none. */
export async function loadContextText(
  deps: ActivityDeps,
  turn: TurnContext,
  loaded: { graph: string; history: SessionHistory },
): Promise<string | null> {
  if (!deps.prompt.hasContext(turn.promptVersion)) return null;
  const [changes, earlier] = await Promise.all([
    deps.store.listEarlierChanges(turn.turnId),
    deps.store.findEarlierTurn(turn.turnId),
  ]);
  const canvas = earlier && (await readCanvas(deps, earlier, changes, loaded.graph));
  const outcomeOf = ({ messageId, outcome }: EarlierChange): ChangeOutcome =>
    outcome ?? (messageId === earlier?.messageId && canvas?.applied ? 'applied' : 'left');
  const diffs = new Map(loaded.history.messages.map(({ id, workflowDiff }) => [id, workflowDiff]));
  const named = changes.slice(0, MAX_CHANGES).flatMap((change) => {
    const diff = diffs.get(change.messageId);
    return diff
      ? [{ summary: summarizeDiff(diff), outcome: outcomeOf(change), messageId: change.messageId }]
      : [];
  });
  const shown = new Set(named.map(({ messageId }) => messageId));
  const olderChanges = { applied: 0, undone: 0, left: 0 };
  for (const change of changes) if (!shown.has(change.messageId)) olderChanges[outcomeOf(change)] += 1;
  const text = deps.prompt.buildContext({
    startedAt: turn.createdAt,
    workflow: { id: turn.workflowId, name: turn.workflowName },
    changes: named,
    olderChanges,
    userChanges: canvas?.userChanges ?? null,
  });
  return hideInText(text);
}

/** Compares the canvas with the graphs of the turn before. */
async function readCanvas(
  { heavy }: ActivityDeps,
  { messageId, base, working }: EarlierTurn,
  changes: readonly EarlierChange[],
  now: string,
): Promise<{ applied: boolean; userChanges: string | null }> {
  const recorded = changes.find((change) => change.messageId === messageId)?.outcome ?? null;
  return heavy.readCanvas({ base, working, now, recorded });
}
