/** Plays recorded provider traffic to the adapters. */
import { readFileSync } from 'node:fs';
import { ModelError, type ModelEvent } from '../../llm/types.ts';
import { type ApiName, clientOf, modelRequest } from './llm-requests.ts';
import { repeats } from './repeats.ts';
import type { Reply, ReplayServer } from './replay-server.ts';

export interface Recording {
  file: string;
  kind: string;
  status: number;
  headers: Record<string, string>;
  api: 'responses' | 'chat.completions' | 'messages';
  features: string[];
  expect: {
    text: string;
    refusal?: string;
    thinking_chars: number;
    tool_calls: { id: string; name: string; arguments: string }[];
    usage: Record<string, unknown> | null;
    encrypted_reasoning?: boolean;
    stop?: string | null;
  };
}

export const FOLDER = new URL('../fixtures/llm-recordings/', import.meta.url);
export const { files } = JSON.parse(readFileSync(new URL('manifest.json', FOLDER), 'utf8')) as {
  files: Recording[];
};
export const streams = files.filter((file) => file.kind === 'stream');
/** How many of the first byte boundaries are all tried, and how many of the later ones. */
export const EVERY = repeats({ test: 8, soak: 2_000 });
const BEYOND = repeats({ test: 4, soak: 200 });
/** How many of a body's last bytes are all tried: there the answer is complete and its terminator is missing. */
export const LAST = repeats({ test: 8, soak: 60 });
/** How many calls run at once. Each waits for its socket most of the time. */
const AT_ONCE = 8;

export const apiOf = ({ api }: Recording): ApiName => (api === 'chat.completions' ? 'chat' : api);
export const bytesOf = (recording: Recording): Buffer => readFileSync(new URL(recording.file, FOLDER));
/** The events of a call, and its result. */
export interface Watched {
  events: ModelEvent[];
  result: ModelEvent[] | ModelError;
}
export const watch = async (
  server: ReplayServer,
  recording: Recording,
  message = 'Hello',
): Promise<Watched> => {
  const events: ModelEvent[] = [];
  const request = modelRequest({ messages: [{ role: 'user', content: message }] });
  try {
    for await (const event of clientOf(apiOf(recording), server.url).stream(request)) events.push(event);
    return { events, result: events };
  } catch (error: unknown) {
    if (error instanceof ModelError) return { events, result: error };
    throw error;
  }
};
/** Plays a recording once for each place. The request's message names the place, from which the server picks the reply. */
export const atEach = async (
  server: ReplayServer,
  recording: Recording,
  places: readonly number[],
  reply: (at: number) => Reply,
  check: (at: number, watched: Watched) => void,
): Promise<void> => {
  server.reply((body) => reply(Number(/place (\d+)/.exec(body)?.[1])));
  const left = [...places];
  const play = async (): Promise<void> => {
    for (let at = left.pop(); at !== undefined; at = left.pop())
      check(at, await watch(server, recording, `place ${at}`));
  };
  await Promise.all(upTo(AT_ONCE).map(play));
  server.requests.length = 0;
};
/** The result of a call: its events, or its error. */
export const outcome = async (
  server: ReplayServer,
  recording: Recording,
): Promise<ModelEvent[] | ModelError> => (await watch(server, recording)).result;
export const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index + 1);
/** The places to try in a body. They are the same in every run, so that a failure can be reproduced. */
export const boundaries = (body: Buffer): number[] => {
  let seed = body.length;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const first = upTo(Math.min(EVERY, body.length - 1));
  const beyond = body.length > EVERY ? upTo(BEYOND) : [];
  return [...first, ...beyond.map(() => EVERY + Math.floor(random() * (body.length - EVERY)))];
};
