/** Every process is killed at a random moment of a turn and started again, many times. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { startCluster } from '../support/cluster.ts';
import { chat, newSession, seqs, shownText, upTo } from '../support/cluster-client.ts';
import { repeats } from '../support/repeats.ts';

const PIECES = upTo(25).map((n) => `w${n} `);
const TEXT = PIECES.join('');
const ROUNDS = repeats({ test: 2, soak: 20 });

for (const [name, servers] of [
  ['everything is killed', true],
  ['only npm start is killed, its Postgres and Temporal left as orphans', false],
] as const) {
  test(`${name} at a random moment, ${ROUNDS} times: every turn ends, no seq is missing`, async () => {
    const cluster = await startCluster({
      withStack: false,
      script: ({ toolResults }) => ({
        text: PIECES,
        pieceMs: 20,
        ...(toolResults === 0
          ? {
              toolCalls: [
                {
                  name: 'modify_workflow',
                  arguments: { add_blocks: [{ type: 'code', name: 'Made', config: { code: 'output = 1' } }] },
                },
              ],
            }
          : {}),
      }),
    });
    try {
      let api = await cluster.startAll();
      for (const round of upTo(ROUNDS)) {
        const session = await newSession(cluster, api);
        const reader = chat(
          cluster,
          () => [api],
          session,
          { message: 'Make a block' },
          { 'Idempotency-Key': randomUUID() },
        );
        // From before the request has arrived to about the end of the turn.
        const moment = Math.random() * 1_300;
        await delay(moment);
        await cluster.killAll(servers);
        api = await cluster.startAll();
        const end = await reader.end(60_000);
        const label = `round ${round}, killed after ${Math.round(moment)} ms`;
        assert.equal(end.event, 'complete', `${label}: ${JSON.stringify(end)}`);
        assert.equal(end.content, `${TEXT}\n\n${TEXT}`, label);
        assert.equal(shownText(reader.events), end.content, label);
        assert.deepEqual(seqs(reader.events), upTo(seqs(reader.events).length), label);
        const diff = end.workflow_diff as { add_blocks: { name: string }[] };
        assert.deepEqual(
          diff.add_blocks.map((block) => block.name),
          ['Made'],
          label,
        );
      }
      const turns = await cluster.query<{ status: string; n: number }>(
        'select status, count(*)::int as n from ai.copilot_turns group by status',
      );
      assert.deepEqual(turns, [{ status: 'complete', n: ROUNDS }]);
    } finally {
      await cluster.stop();
    }
  });
}
