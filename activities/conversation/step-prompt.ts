/** The request of one model call: the parts that all steps of a turn share, then the transcript of the earlier steps. */
import type { CallModelInput } from '../../contracts/turn.ts';
import type { TranscriptEntry } from '../../db/turns/transcript.ts';
import type { TurnContext } from '../../db/turns/turn-context.ts';
import type { FittedContext } from '../../llm/context/fit-context.ts';
import type { ModelMessage, ModelTool } from '../../llm/types.ts';
import type { ActivityDeps } from '../deps.ts';
import { createByteCache } from './byte-cache.ts';
import { fenceToken, toHistory } from './history.ts';
import { toModelMessages } from './transcript.ts';
import { loadContextText } from './turn-context.ts';

/** The shared parts of the prompt are cached for this many turns, so that a step need not read and render them again. */
const CACHED_TURNS = 100;
const CACHED_BYTES = 64 * 1024 * 1024;

/** What all steps of a turn share. */
export interface PromptParts {
  context: TurnContext;
  /** The messages before the turn. */
  history: ModelMessage[];
  /** Whether the history has more than its first message, so that a summary could replace the rest. */
  isLong: boolean;
  /** The turn's context in words; null for a version of the prompt that has none. */
  contextText: string | null;
  graphText: string;
}

export type LoadParts = (turnId: string, summarized: boolean) => Promise<PromptParts>;

/** The request of one step. */
export interface StepPrompt {
  model: string;
  request: { system: string; tools: ModelTool[]; messages: ModelMessage[] };
  sessionId: string;
  /** How many of the messages are history; they come first. */
  historyLength: number;
  /** The transcript of the steps before this one. */
  earlier: TranscriptEntry[];
  /** Whether a summary of the history could still make the request shorter. */
  canSummarize: boolean;
}

/** Creates the loader of prompt parts, with its cache. */
export function createLoadParts(deps: ActivityDeps): LoadParts {
  const parts = createByteCache({ maxBytes: CACHED_BYTES, maxEntries: CACHED_TURNS, sizeOf: bytesOf });
  return (turnId, summarized) => parts.get(`${turnId}/${summarized}`, () => loadParts(deps, turnId));
}

async function loadParts(deps: ActivityDeps, turnId: string): Promise<PromptParts> {
  const [context, graph, loaded] = await Promise.all([
    deps.store.loadTurnContext(turnId),
    deps.store.loadBaseGraph(turnId),
    deps.store.loadHistory(turnId),
  ]);
  const [contextText, graphText] = await Promise.all([
    loadContextText(deps, context, { graph, history: loaded }),
    deps.heavy.renderState({ graph, message: context.message }),
  ]);
  return {
    context,
    history: deps.prompt.buildHistory(toHistory(loaded)),
    isLong: loaded.messages.length > 1,
    contextText,
    graphText,
  };
}

/** A character is two bytes at most. */
function bytesOf({ context, history, contextText, graphText }: PromptParts): number {
  return 2 * (context.message.length + (contextText?.length ?? 0) + graphText.length + textLength(history));
}

/** Builds the request of a step. */
export function toStepPrompt(
  deps: ActivityDeps,
  input: CallModelInput,
  { context, history, isLong, contextText, graphText }: PromptParts,
  transcript: readonly TranscriptEntry[],
): StepPrompt {
  const earlier = transcript.filter((entry) => entry.step < input.step);
  return {
    model: input.model ?? context.model,
    sessionId: context.sessionId,
    request: {
      system: deps.prompt.system(context.promptVersion),
      tools: deps.tools.definitions,
      messages: deps.prompt.buildConversation({
        history,
        context:
          contextText === null
            ? null
            : { text: contextText, fence: fenceToken(context.delimiterSeed, 'context') },
        graphText,
        message: context.message,
        transcript: toModelMessages(earlier, ({ callId, name, content }) =>
          deps.prompt.wrapToolResult(fenceToken(context.delimiterSeed, callId), name, content),
        ),
        fence: fenceToken(context.delimiterSeed, 'canvas'),
      }),
    },
    historyLength: history.length,
    earlier,
    canSummarize: isLong && !input.summarized,
  };
}

/** Fits a request into the model's window. History is dropped only when no summary can replace it. */
export function fitPrompt(deps: ActivityDeps, prompt: StepPrompt, squeeze: boolean): Promise<FittedContext> {
  return deps.window.fit(prompt.model, prompt.request, {
    turnStart: prompt.historyLength,
    dropHistory: !prompt.canSummarize,
    squeeze,
  });
}

/** The characters of messages. */
export function textLength(messages: readonly ModelMessage[]): number {
  return messages.reduce((sum, { content }) => sum + content.length, 0);
}
