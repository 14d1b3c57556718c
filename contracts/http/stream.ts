/** The events of a stream, with a schema for each. */
import { z } from 'zod';
import { type TurnEvent, turnEventSchemas } from '../events.ts';

/** An event as a reader receives it. Status events that are not stored have no seq. */
export type StreamedEvent = TurnEvent & { seq?: number };

const seq = z.int().meta({ description: 'From 1 without gaps, the same for every reader.', example: 2 });

/** `tool_call` becomes `ToolCallEvent`. */
function idOf(name: string): string {
  const words = name.split('_').map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return `${words.join('')}Event`;
}

const events = Object.entries(turnEventSchemas).map(([name, { shape }]) =>
  z
    .object({ event: z.literal(name), seq: name === 'status' ? seq.optional() : seq, ...shape })
    .meta({ id: idOf(name) }),
);

/** One `data:` line of a stream. */
export const streamedEvent = z.union(events).meta({
  id: 'StreamedEvent',
  description:
    'The JSON of one `data:` line. Each is a block of exactly one line; a second block holds `id: <seq>`. Skip events and fields that you do not know.',
});
