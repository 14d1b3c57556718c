/** Many chats in the same instant, each sent again until it is taken. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { ReadyFile } from './bench-system.ts';
import { ChatError, chatWithProduct, makeSessions, type Reading } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { sharedClockMs } from './stats.ts';

/** A slow model: five pieces in two seconds, for two minutes. */
export const SLOW: Answer = { pieces: 300, pieceMs: 400, toolSteps: 0 };
/** What the API asks for with its refusals, most of the time. */
const RETRY_MS = 2_000;
/** A chat that is refused for longer is a fault. */
const GIVE_UP_MS = 120_000;
const REFUSED = [429, 503];

export interface Crowd {
  /** The times count from the first attempt of a chat. */
  readings: Reading[];
  refusals: number;
  /** One line for each chat that was not read to its end, or whose reader missed pieces. */
  faults: string[];
}

/** Chats in `count` new sessions and reads all answers. */
export async function readCrowd(ready: ReadyFile, count: number, answer: Answer): Promise<Crowd> {
  const sessions = await makeSessions(ready, count);
  const crowd: Crowd = { readings: [], refusals: 0, faults: [] };
  await Promise.all(
    sessions.map(async (session) => {
      try {
        const reading = await chatUntilTaken(ready, session, answer, () => (crowd.refusals += 1));
        crowd.readings.push(reading);
        if (reading.deltaMs.length !== answer.pieces)
          crowd.faults.push(`turn ${reading.turnId}: ${reading.deltaMs.length} of ${answer.pieces} pieces`);
      } catch (error: unknown) {
        crowd.faults.push(`session ${session}: ${(error as Error).message}`);
      }
    }),
  );
  return crowd;
}

async function chatUntilTaken(
  ready: ReadyFile,
  session: string,
  answer: Answer,
  onRefusal: () => void,
): Promise<Reading> {
  const key = randomUUID();
  const startedAt = sharedClockMs();
  for (;;) {
    const waitedMs = sharedClockMs() - startedAt;
    try {
      const reading = await chatWithProduct(ready, session, answer, key);
      return {
        ...reading,
        firstTokenMs: reading.firstTokenMs + waitedMs,
        totalMs: reading.totalMs + waitedMs,
      };
    } catch (error: unknown) {
      const isRefused = error instanceof ChatError && REFUSED.includes(error.status ?? 0);
      if (!isRefused || waitedMs > GIVE_UP_MS) throw error;
      onRefusal();
      await delay(RETRY_MS);
    }
  }
}
