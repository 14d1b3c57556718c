/** Recorded provider traffic through the adapters, over HTTP, split anywhere: the same as whole. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { atEach, boundaries, bytesOf, EVERY, outcome, streams } from '../../support/recordings.ts';
import { type ReplayServer, startReplayServer } from '../../support/replay-server.ts';

let server: ReplayServer;
before(async () => {
  server = await startReplayServer();
});
after(() => server.close());

for (const recording of streams) {
  const { file } = recording;
  test(`${file}: gives the same wherever its bytes are split`, async () => {
    const body = bytesOf(recording);
    server.reply({ body });
    const whole = await outcome(server, recording);
    const every777 = Array.from({ length: Math.floor(body.length / 777) }, (_, index) => (index + 1) * 777);
    const oneByOne = boundaries(body).filter((at) => at <= EVERY);
    for (const splitAt of [every777, oneByOne]) {
      server.reply({ body, splitAt });
      assert.deepEqual(await outcome(server, recording), whole);
    }
    await atEach(
      server,
      recording,
      boundaries(body),
      (at) => ({ body, splitAt: [at] }),
      (at, { result }) => {
        assert.deepEqual(result, whole, `split at ${at} of ${body.length}`);
      },
    );
  });
}
