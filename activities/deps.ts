/** What the activities are given by worker/. Types only from db/ and llm/: this room makes no connection of its own. */
import type { Usage } from '../contracts/events.ts';
import type { EventLog } from '../db/event-log.ts';
import type { TurnStore } from '../db/turn-store.ts';
import type { HistoryEntry } from '../llm/prompt.ts';
import type { ModelClient, ModelMessage, ModelTool } from '../llm/types.ts';
import type { Logger } from '../runtime/logger.ts';
import type { AssetActions } from './tools/manage-project-asset.ts';
import type { ToolRegistry } from './tools/registry.ts';

/** Builds what a model is shown. Pure, so that a step's request begins with the bytes of the one before. */
export interface PromptBuilder {
  system: string;
  buildConversation(input: {
    history: HistoryEntry[];
    graphText: string;
    message: string;
    transcript: ModelMessage[];
    fence: string;
  }): ModelMessage[];
  wrapToolResult(fence: string, name: string, text: string): string;
  /** The messages, shortened where they would not fit into the model's context window; `halved`: to half of what they are. */
  fitContext(
    messages: ModelMessage[],
    of: { model: string; turnStart: number; tools: readonly ModelTool[]; halved: boolean },
  ): ModelMessage[];
}

export interface ActivityDeps {
  store: TurnStore;
  events: EventLog;
  model: ModelClient;
  prompt: PromptBuilder;
  tools: ToolRegistry;
  /** What manage_project_asset does, once the user has confirmed it. */
  assets: AssetActions;
  confirmationTtlMs: number;
  costUsd(
    model: string,
    usage: Pick<Usage, 'input_tokens' | 'cached_tokens' | 'output_tokens'> & { cache_write_tokens?: number },
  ): string | null;
  logger: Logger;
}
