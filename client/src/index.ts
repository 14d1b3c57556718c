/** A client of the workflow copilot, for browsers and Node. */
export { type ClientOptions, type CopilotClient, createCopilotClient } from './client.ts';
export { CopilotError, type CopilotErrorCode, type RequestErrorCode, turnError } from './errors.ts';
export {
  type CallView,
  type ConfirmationView,
  foldEvents,
  initialTurnView,
  type TurnView,
} from './fold-events.ts';
export type { CallOptions } from './request.ts';
export type { ChatOptions, EventsOptions } from './turn-sources.ts';
export type { Retry, StreamOptions } from './turn-stream.ts';
export type * from './types.ts';
export { DiffConflictError } from '../../domain/graph/apply-diff.ts';
export { applyDiff } from './apply-diff.ts';
export { visibleJson, visibleText } from '../../domain/text/spell-out-hidden.ts';
