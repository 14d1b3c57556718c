/**
 * A process that leaves requests and streams of the client in every phase, and then has nothing more to do. The argument is
 * the address of a server whose first segment of a path says how it answers.
 */
import assert from 'node:assert/strict';
import { createCopilotClient, type TurnEvent } from '../../client/src/index.ts';

const [, , address = ''] = process.argv;
const WAYS = ['never', 'headers', 'open', 'refuse', 'busy', 'half-error'];
const STAY_MS = 100;

/** How often each way of leaving was taken, with what came of it. */
const outcomes: string[] = [];

for (const way of WAYS) {
  const client = createCopilotClient({ baseUrl: `${address}/${way}`, getToken: () => 'token' });
  const chat = (signal?: AbortSignal): AsyncIterableIterator<TurnEvent> =>
    client.chat('s', { message: 'hi' }, signal === undefined ? {} : { signal });
  const seen = way === 'open' ? 1 : 0;

  const events: TurnEvent[] = [];
  for await (const event of chat(AbortSignal.timeout(STAY_MS))) events.push(event);
  assert.equal(events.length, seen, `${way}: an abort ends a stream`);

  const returned = chat();
  for (let step = 0; step < seen; step += 1) assert.equal((await returned.next()).done, false);
  const next = returned.next();
  AbortSignal.timeout(STAY_MS).addEventListener('abort', () => void returned.return?.());
  assert.deepEqual(await next, { done: true, value: undefined }, `${way}: return ends a stream`);

  if (seen > 0) for await (const event of chat()) if (event.event === 'start') break;

  const asked = client.blockTypes({ signal: AbortSignal.timeout(STAY_MS) });
  await assert.rejects(asked, { name: 'CopilotError', code: 'aborted' }, `${way}: an abort ends a request`);
  outcomes.push(way);
}
console.log(outcomes.join());
