/** One streamed answer of a model: the events that readers see at once, and the body that is stored at the end. */
import type { ModelHeartbeat } from '../../contracts/turn.ts';
import type { TurnEvent } from '../../contracts/events.ts';
import type { EventStream } from '../../db/events/event-stream.ts';
import { isDeeperThan, JSON_LIMITS } from '../../domain/text/json.ts';
import type { ModelEvent, ModelToolCall, ModelUsage, OpaqueParts } from '../../llm/types.ts';
import { final } from '../attempt/judge-error.ts';
import { countCharacters } from '../attempt/model-call.ts';
import type { AssistantBody } from './transcript.ts';

/** The most characters of text, reasoning and arguments: several times those of the longest answer of a model. */
const MAX_CHARS = 4_000_000;
const CUT_TEXT =
  '(Your answer was cut off at its length limit. Go on exactly where it stopped, without repeating anything.)';
const EMPTY = '(Your answer was empty. Answer the user, or use a tool.)';

export type Answer = ReturnType<typeof createAnswer>;

/** Opens an answer. `separator` is shown before its first text. Characters are counted in `heartbeat`. */
export function createAnswer(
  stream: EventStream,
  step: number,
  separator: string,
  heartbeat: ModelHeartbeat,
) {
  let text = '';
  let usage: ModelUsage | null = null;
  let finish: { reason: AssistantBody['finish']; opaque: OpaqueParts | null } | null = null;
  const calls: ModelToolCall[] = [];
  let room = MAX_CHARS;
  /** Bounds the answer: each later step and every reader of the session read it again. */
  const use = (more: string): void => {
    room -= more.length;
    if (room < 0) throw final('model_bad_response', "The model's answer was too long. Please try again.");
  };
  return {
    take(event: ModelEvent, onLost: (error: unknown) => void): void {
      const show = (events: TurnEvent[]): void => void stream.append(events).catch(onLost);
      switch (event.type) {
        case 'text_delta': {
          if (event.delta === '') return;
          use(event.delta);
          const between: TurnEvent[] =
            text === '' && separator !== '' ? [{ event: 'content_delta', step, delta: separator }] : [];
          text += event.delta;
          countCharacters(heartbeat, event.delta);
          show([...between, { event: 'content_delta', step, delta: event.delta }]);
          return;
        }
        case 'reasoning_delta':
          use(event.delta);
          show([{ event: 'reasoning_delta', step, delta: event.delta }]);
          return;
        case 'tool_call':
          use(event.call.arguments + event.call.name);
          calls.push(event.call);
          return;
        case 'usage':
          usage = event.usage;
          return;
        case 'finish':
          // Each later step sends these parts back. Each would fail if they could not be written as JSON.
          if (isDeeperThan(event.opaque, JSON_LIMITS.maxDepth))
            throw final('model_bad_response', "The model's answer could not be read. Please try again.");
          finish = { reason: event.reason, opaque: event.opaque };
          return;
        case 'tool_arguments_delta':
          // Nothing is shown, but the heartbeat tells that the arguments grow.
          countCharacters(heartbeat, event.delta);
          return;
        case 'tool_call_started':
      }
    },
    usage: () => usage,
    isEmpty: () => text === '' && calls.length === 0 && heartbeat.characters === 0,
    toBody(rename: (calls: ModelToolCall[]) => ModelToolCall[], saidBefore: boolean): AssistantBody {
      if (finish === null) throw new Error('the model stream ended without its finish event');
      // The calls of a refused or filtered answer are not made.
      const toolCalls = finish.reason === 'refusal' ? [] : rename(calls);
      const isEmpty = finish.reason === 'stop' && text === '' && toolCalls.length === 0 && !saidBefore;
      const note = finish.reason === 'length' ? CUT_TEXT : isEmpty ? EMPTY : undefined;
      return {
        content: text,
        toolCalls,
        opaque: finish.opaque,
        finish: finish.reason,
        ...(note === undefined ? {} : { note }),
        inputTokens: usage?.inputTokens ?? 0,
        outputTokens: usage?.outputTokens ?? 0,
      };
    },
  };
}
