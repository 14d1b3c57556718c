/** What worker/ passes to the activities. db/ and llm/ are imported as types only: activities/ opens no connection. */
import type { PromptVersion } from '../contracts/names.ts';
import type { Catalogue } from '../models/catalogue.ts';
import type { EventLog } from '../db/events/event-log.ts';
import type { TurnStore } from '../db/turns/turn-store.ts';
import type { CountedRequest } from '../llm/context/count-tokens.ts';
import type { FittedContext } from '../llm/context/fit-context.ts';
import type { TurnSurroundings } from '../llm/prompt/context.ts';
import type { ConversationParts, History } from '../llm/prompt/prompt.ts';
import type { ModelClient, ModelMessage } from '../llm/types.ts';
import type { Logger } from '../runtime/logger.ts';
import type { Metrics } from '../runtime/metrics/metrics.ts';
import type { HeavyWork } from './heavy-work.ts';
import type { ToolRegistry } from './tools/registry.ts';

/** Builds the messages that a model is shown. Pure, so that each request begins with the bytes of the one before. */
export interface PromptBuilder {
  system(version: PromptVersion): string;
  /** Whether the prompts of a version have a context. */
  hasContext(version: PromptVersion): boolean;
  buildContext(turn: TurnSurroundings): string;
  buildConversation(input: ConversationParts): ModelMessage[];
  buildHistory(history: History): ModelMessage[];
  buildSummaryRequest(history: readonly ModelMessage[]): ModelMessage[];
  wrapToolResult(fence: string, name: string, text: string): string;
}

/** Keeps requests inside the context window of their model. */
export interface ContextWindow {
  /**
   * Shortens the messages until they fit. `turnStart` is the index of the canvas; all messages before it are history.
   * `dropHistory` allows history to be left out. `squeeze` halves the messages, for a provider found them too long.
   */
  fit(
    model: string,
    request: CountedRequest,
    how: { turnStart: number; dropHistory: boolean; squeeze: boolean },
  ): Promise<FittedContext>;
  /** Shortens a session's history until the request for its summary fits. */
  fitHistory(model: string, request: CountedRequest): Promise<ModelMessage[]>;
  /** Corrects the estimates of a model by the number of tokens that the provider reported for a request. */
  learn(model: string, request: CountedRequest, reportedTokens: number): void;
}

export interface ActivityDeps {
  store: TurnStore;
  events: EventLog;
  model: ModelClient;
  prompt: PromptBuilder;
  window: ContextWindow;
  tools: ToolRegistry;
  heavy: HeavyWork;
  confirmationTtlMs: number;
  /** Whether a budget of the turn is used up. */
  isBudgetSpent: (turnId: string) => Promise<boolean>;
  catalogue: Pick<Catalogue, 'find' | 'costUsd'>;
  metrics: Pick<Metrics, 'firstToken' | 'modelFirstToken' | 'modelCall' | 'tool' | 'activity' | 'retries'>;
  /** Whether spans of model calls hold the messages and the answer. */
  traceContent: boolean;
  logger: Logger;
}
