/** summarizeHistory: a separate model call whose summary replaces the messages before the turn. */
import type { SummarizeHistoryInput } from '../contracts/turn.ts';
import { SUMMARIZING, THINKING } from '../domain/text/status-map.ts';
import type { ModelUsage } from '../llm/types.ts';
import type { RunAttempt } from './attempt/attempt.ts';
import { spentOn } from './attempt/thrown.ts';
import type { ActivityDeps } from './deps.ts';
import { type SummaryBody, toHistory } from './conversation/history.ts';
import { resultOf } from './attempt/call-result.ts';
import { openBill, recordUsage, savePaid } from './attempt/ledger.ts';
import {
  claimModelCall,
  countCharacters,
  createSharedCalls,
  type ModelCall,
  streamModel,
} from './attempt/model-call.ts';

const KEY = 'summary';
/** The step number of the summary in transcript and ledger: before the first step. */
const STEP = 0;
const MAX_CHARS = 8_000;

/** Creates the summarizing activity. */
export function createSummaryActivities(deps: ActivityDeps, runAttempt: RunAttempt) {
  const callOnce = createSharedCalls(
    () => KEY,
    (input: SummarizeHistoryInput, call) => summarize(deps, input, call),
  );
  return {
    /**
     * Lets the model summarize the session's history and stores the summary with the turn. Returns true when a summary is
     * stored, false when a summary could replace nothing or the model wrote none. Fails as callModel does.
     */
    async summarizeHistory(input: SummarizeHistoryInput): Promise<boolean> {
      return runAttempt((attempt) => callOnce(attempt, input));
    },
  };
}

async function summarize(
  deps: ActivityDeps,
  { turnId, step, model: override }: SummarizeHistoryInput,
  call: ModelCall,
): Promise<boolean> {
  const [context, loaded] = await Promise.all([
    deps.store.loadTurnContext(turnId),
    deps.store.loadHistory(turnId),
  ]);
  // A stored summary leaves no message to summarize. A summary without messages is thus one that this turn has stored.
  if (loaded.messages.length <= 1) return loaded.summary !== null;
  const model = override ?? context.model;
  const claim = await claimModelCall(deps, call, {
    turnId,
    key: KEY,
    step,
    onFirst: [{ event: 'status', message: SUMMARIZING, step }],
    textBefore: async () => '',
    bill: { step: STEP, onSwitch: () => [] },
  });
  if (claim.stored !== null) return true;

  const base = { system: deps.prompt.system(context.promptVersion), tools: deps.tools.definitions };
  const history = await deps.window.fitHistory(model, {
    ...base,
    messages: deps.prompt.buildHistory(toHistory(loaded)),
  });
  const toUsage = openBill(deps, { step: STEP, model, sessionId: context.sessionId });
  let text = '';
  let usage: ModelUsage | null = null;
  try {
    for await (const event of streamModel(deps, {
      ...base,
      model,
      messages: deps.prompt.buildSummaryRequest(history),
      toolChoice: 'none',
      cacheKey: context.sessionId,
      signal: call.signal,
    })) {
      if (event.type === 'text_delta') {
        text += event.delta;
        countCharacters(call.heartbeat, event.delta);
      }
      if (event.type === 'usage') usage = event.usage;
    }
  } catch (error: unknown) {
    await recordUsage(deps, claim.fence, toUsage(usage ?? spentOn(error), resultOf(error, call.signal)));
    throw error;
  }
  if (text.trim() === '') {
    await recordUsage(deps, claim.fence, toUsage(usage));
    return false;
  }
  const body: SummaryBody = { content: text.trim().slice(0, MAX_CHARS).toWellFormed() };
  await savePaid(
    deps,
    claim.fence,
    {
      entry: { step: STEP, position: 0, role: 'summary', body: JSON.stringify(body) },
      events: [{ event: 'status', message: THINKING, step }],
      usage: toUsage(usage),
    },
    call.signal,
  );
  return true;
}
