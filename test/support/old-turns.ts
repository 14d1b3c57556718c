/** Turns that ended long ago, written by the functions that write them in the product. */
import type { Knex } from 'knex';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { TurnEvent } from '../../contracts/events.ts';
import { createTurnStore } from '../../db/turns/turn-store.ts';
import { insertStartingTurn, promoteTurn } from '../../db/turns/turn.ts';
import { startingTurn } from './starting-turn.ts';

export interface OldTurn {
  id: string;
  messageId: string;
}

/** Stores a turn of one step with a tool call and the deltas, which ended `agoSeconds` ago; null for a turn that runs. */
export async function insertOldTurn(
  db: Knex,
  session: { sessionId: string; workflowId: string },
  options: {
    deltas?: string[];
    error?: ErrorCode;
    agoSeconds?: number | null;
    summary?: string;
  } = {},
): Promise<OldTurn> {
  const { deltas = ['Hello, ', 'you \u2028 "there"\n'], agoSeconds = 3_600 } = options;
  const turn = startingTurn(session);
  await insertStartingTurn(db, turn);
  await promoteTurn(db, turn.id);
  const store = createTurnStore(db);
  const claim = async (key: string, onFirst: TurnEvent[] = []) =>
    (
      await store.claimWork({
        turnId: turn.id,
        key,
        step: 1,
        onFirst,
        textBefore: async () => '',
        over: null,
      })
    ).fence;
  const save = async (key: string, position: number, role: 'assistant' | 'tool' | 'summary', body: object) =>
    store.saveWork(
      await claim(key, [{ event: 'status', message: 'Thinking...', step: 1 }]),
      {
        entry: { step: 1, position, role, body: JSON.stringify(body) },
        events:
          role === 'assistant' ? deltas.map((delta) => ({ event: 'content_delta', step: 1, delta })) : [],
        ...(role === 'assistant' ? { usage: USAGE } : {}),
      },
      new AbortController().signal,
    );
  await save('step:1', 0, 'assistant', {
    content: deltas.join(''),
    toolCalls: [{ callId: 'a', name: 'get_block_info', arguments: '{}' }],
  });
  await save('call:a', 1, 'tool', { callId: 'a', name: 'get_block_info', content: 'known', isError: false });
  if (options.summary !== undefined) await save('summary', 0, 'summary', { text: options.summary });
  if (agoSeconds === null) return turn;
  await store.endTurn({
    turnId: turn.id,
    steps: 1,
    outcome: options.error
      ? { kind: 'error', code: options.error, message: 'It failed' }
      : { kind: 'complete', stopReason: 'done' },
    diff: () => null,
  });
  await db.raw('update ai.copilot_turns set finished_at = now() - make_interval(secs => ?) where id = ?', [
    agoSeconds,
    turn.id,
  ]);
  return turn;
}

const USAGE = {
  step: 1,
  sessionId: null,
  model: null,
  inputTokens: 10,
  cachedTokens: 0,
  outputTokens: 5,
  reasoningTokens: 0,
  costUsd: '0.01',
  estimated: false,
  latencyMs: 5,
  result: 'ok' as const,
};
