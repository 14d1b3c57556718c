/** When a link is replaced, and when it is left alone. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { watchLink } from '../../../runtime/link-watch.ts';
import { openRelay } from '../../../runtime/temporal-relay.ts';

const TIMES = { probeEveryMs: 10, probeMs: 50 };
const never = (): Promise<never> => new Promise(() => undefined);

/** What a watch did within a few of its rounds. */
async function watched(how: {
  probe: () => Promise<unknown>;
  tryFresh?: () => Promise<number>;
}): Promise<{ replaced: number; discarded: number; tried: number }> {
  const seen = { replaced: 0, discarded: 0, tried: 0 };
  const end = watchLink<number>(
    {
      probe: how.probe,
      tryFresh() {
        seen.tried += 1;
        return (how.tryFresh ?? (async () => seen.tried))();
      },
      replace: () => void (seen.replaced += 1),
      discard: () => void (seen.discarded += 1),
      onError: () => undefined,
    },
    TIMES,
  );
  await delay(400);
  end();
  return seen;
}

test('a link that answers, or says why it does not, is left alone', async () => {
  assert.deepEqual(await watched({ probe: async () => 'here' }), { replaced: 0, discarded: 0, tried: 0 });
  const refused = await watched({ probe: () => Promise.reject(new Error('connection refused')) });
  assert.equal(refused.tried, 0);
});

test('a silent link is replaced when a new one is answered, and only then', async () => {
  const replaced = await watched({ probe: never });
  assert.ok(replaced.replaced > 0 && replaced.discarded === 0);
  const away = await watched({ probe: never, tryFresh: () => Promise.reject(new Error('away')) });
  assert.ok(away.tried > 0 && away.replaced === 0);
});

test('a link that is slow, but not slower than a new one, is kept', async () => {
  const slow = await watched({
    probe: () => delay(70),
    tryFresh: () => delay(90, 1),
  });
  assert.equal(slow.replaced, 0);
});

test('a watch that was ended asks no more, and what it was trying is let go', async () => {
  let asked = 0;
  let discarded = 0;
  const end = watchLink<number>(
    {
      probe() {
        asked += 1;
        return never();
      },
      tryFresh: () => delay(100, 1),
      replace: () => assert.fail('replaced after the end'),
      discard: () => void (discarded += 1),
      onError: () => undefined,
    },
    TIMES,
  );
  await delay(80);
  end();
  await delay(150);
  const before = asked;
  await delay(100);
  assert.equal(asked, before);
  assert.equal(discarded, 1);
});

test('the relay leads to its server, and cuts what is older than it is told', async () => {
  const peers: Socket[] = [];
  const echo = createServer((socket) => {
    peers.push(socket);
    socket.on('error', () => undefined).pipe(socket);
  });
  await once(echo.listen(0, '127.0.0.1'), 'listening');
  const relay = await openRelay(`127.0.0.1:${(echo.address() as AddressInfo).port}`);
  assert.equal(relay.host, '127.0.0.1');
  const port = Number(relay.address.split(':')[1]);
  const open = async (): Promise<Socket> => {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.write('hello');
    assert.equal(String((await once(socket, 'data'))[0]), 'hello');
    return socket;
  };
  const old = await open();
  await delay(5);
  const between = performance.now();
  const young = await open();
  const cut = once(old, 'close');
  relay.cut(between);
  await cut;
  young.write('still here');
  assert.equal(String((await once(young, 'data'))[0]), 'still here');
  const closed = once(young, 'close');
  relay.close();
  await closed;
  await assert.rejects(once(connect(port, '127.0.0.1'), 'connect'));
  for (const peer of peers) peer.destroy();
  echo.close();
});
