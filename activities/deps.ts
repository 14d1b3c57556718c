/** What the activities are given by worker/. Types only from db/ and llm/: this room makes no connection of its own. */
import type { Catalogue } from '../models/catalogue.ts';
import type { EventLog } from '../db/events/event-log.ts';
import type { TurnStore } from '../db/turns/turn-store.ts';
import type { CountedRequest } from '../llm/context/count-tokens.ts';
import type { FittedContext } from '../llm/context/fit-context.ts';
import type { History } from '../llm/prompt/prompt.ts';
import type { ModelClient, ModelMessage } from '../llm/types.ts';
import type { Logger } from '../runtime/logger.ts';
import type { HeavyWork } from './heavy-work.ts';
import type { ToolRegistry } from './tools/registry.ts';

/** Builds what a model is shown. Pure, so that a step's request begins with the bytes of the one before. */
export interface PromptBuilder {
  system: string;
  buildConversation(input: {
    history: readonly ModelMessage[];
    graphText: string;
    message: string;
    transcript: ModelMessage[];
    fence: string;
  }): ModelMessage[];
  buildHistory(history: History): ModelMessage[];
  buildSummaryRequest(history: readonly ModelMessage[]): ModelMessage[];
  wrapToolResult(fence: string, name: string, text: string): string;
}

/** Keeps requests inside the context window of their model. */
export interface ContextWindow {
  /**
   * The messages, shortened where they would not fit. `turnStart`: the index of the canvas, before which all is history;
   * `dropHistory`: history may go; `squeeze`: to half of what they are, for a provider found them too long.
   */
  fit(
    model: string,
    request: CountedRequest,
    how: { turnStart: number; dropHistory: boolean; squeeze: boolean },
  ): Promise<FittedContext>;
  /** A session's history, shortened as far as a request for its summary asks. */
  fitHistory(model: string, request: CountedRequest): Promise<ModelMessage[]>;
  /** Tells what a request really was. */
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
  catalogue: Pick<Catalogue, 'find' | 'costUsd'>;
  logger: Logger;
}
