/** A message whose connection is reset on the way there or on the way back is one turn of the real service. */
import assert from 'node:assert/strict';
import { after, before, mock, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createCopilotClient, foldEvents, initialTurnView } from '../../../client/src/index.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { signToken } from '../../support/test-api.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

/** In the request, in the headers of the answer, and in its events. */
const CUTS = [1, 300, 550, 650, 750, 850, 950, 1_100, 1_300];
const { random: draw } = Math;

let system: TurnSystem;
before(async () => {
  system = await startTurnSystem();
});
after(() => system.close());

/** A proxy whose first connection is reset after so many bytes, counted in both directions. */
async function cuttingProxy(bytes: number): Promise<{ proxy: FaultProxy; fetch: typeof fetch }> {
  const proxy = await startFaultProxy({ host: '127.0.0.1', port: Number(new URL(system.url).port) });
  // The first bytes pass after the cut is known.
  proxy.inject({ kind: 'latency', ms: 50 });
  return {
    proxy,
    async fetch(url, init) {
      const isFirst = proxy.opened() === 0;
      const answer = fetch(url, init);
      while (proxy.opened() === 0) await setImmediate();
      if (isFirst) proxy.resetAfter(bytes);
      return answer;
    },
  };
}

test('a message is one turn wherever its connection is cut', async (t) => {
  // The client draws its pauses from zero on: a tenth of them is as good a test, and shorter.
  mock.method(Math, 'random', () => draw() / 10);
  system.scripts.set('Tell', () => ({ text: ['A ', 'short ', 'story.'] }));
  const token = await signToken();
  const direct = createCopilotClient({ baseUrl: system.url, getToken: () => token });
  const { id: workflowId } = await direct.workflows.create('Flow');
  const problems: Record<number, string> = {};
  for (const bytes of CUTS) {
    const { id: sessionId } = await direct.sessions.create(workflowId);
    const { proxy, fetch } = await cuttingProxy(bytes);
    const retries: string[] = [];
    const client = createCopilotClient({
      baseUrl: `http://${proxy.address}`,
      getToken: () => token,
      fetch,
      onRetry: ({ error }) => void retries.push(error.message),
    });
    const turns = new Set<string>();
    let view = initialTurnView();
    for await (const event of client.chat(
      sessionId,
      { message: 'Tell me a story' },
      { onTurn: ({ turnId }) => void turns.add(turnId) },
    ))
      view = foldEvents(view, event);
    await proxy.close();
    assert.deepEqual([view.end, view.text, turns.size], ['complete', 'A short story.', 1], `${bytes} bytes`);
    const { messages } = await direct.sessions.messages(sessionId);
    assert.deepEqual(
      messages.map(({ role, content, turn_id }) => [role, content, turn_id]),
      [
        ['user', 'Tell me a story', view.turnId],
        ['assistant', 'A short story.', view.turnId],
      ],
      `${bytes} bytes`,
    );
    assert.equal(retries.length, 1, `${bytes} bytes: ${retries.join()}`);
    problems[bytes] = retries.join();
  }
  t.diagnostic(JSON.stringify(problems));
  assert.equal(new Set(Object.values(problems)).size, 2, 'before the answer and within it');
});
