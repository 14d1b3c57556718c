/** Answers that no honest model gives: ids that are equal, texts without an end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createAnswer } from '../../../activities/conversation/answer.ts';
import { uniqueCallIds } from '../../../activities/conversation/transcript.ts';
import type { EventStream } from '../../../db/events/event-stream.ts';
import type { ModelEvent } from '../../../llm/types.ts';

const call = (callId: string) => ({ callId, name: 'get_block_info', arguments: '{}' });

test('call ids are unique, whatever ids the model gives', () => {
  const given = ['x_s1_2', 'x', 'x', 'x_s1_3', 'x', 'y'.repeat(60), 'y'.repeat(70), '', ''];
  const ids = uniqueCallIds(given.map(call), new Set(['x', 'x_s1_1']), 1).map(({ callId }) => callId);
  assert.equal(new Set(ids).size, given.length);
  assert.ok(!ids.includes('x') && !ids.includes('x_s1_1'));
  for (const id of ids) assert.match(id, /^[\w-]{1,60}$/);
});

test('an answer has room for a few million characters', () => {
  const stream: EventStream = {
    append: async () => undefined,
    drain: async () => undefined,
    room: () => null,
  };
  const piece = 'x'.repeat(100_000);
  const endless: ModelEvent[] = [
    { type: 'text_delta', delta: piece },
    { type: 'reasoning_delta', delta: piece },
    { type: 'tool_call', call: { ...call('a'), arguments: piece } },
  ];
  for (const event of endless) {
    const answer = createAnswer(stream, 1, '', { step: 1, epoch: 1, characters: 0, tokens: 0 });
    const take = (): void => answer.take(event, () => undefined);
    for (let count = 0; count < 20; count++) take();
    assert.throws(
      () => {
        for (let count = 0; count < 100; count++) take();
      },
      { type: 'model_bad_response' },
    );
  }
});
