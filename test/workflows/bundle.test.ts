import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bundleWorkflows } from '../../worker/bundle.ts';

test('the workflow bundle holds workflows, domain and constants, and nothing of the other rooms', async () => {
  const { code } = await bundleWorkflows();
  const map = JSON.parse(
    Buffer.from(
      /sourceMappingURL=data:application\/json[^,]*base64,([\w+/=]+)/.exec(code)![1]!,
      'base64',
    ).toString(),
  ) as { sources: string[] };
  const rooms = map.sources.flatMap(
    (source) =>
      /\/(activities|api|contracts|db|domain|llm|runtime|worker|workflows)\/([\w./-]+\.ts)$/
        .exec(source)
        ?.slice(1, 3)
        .join('/') ?? [],
  );
  assert.ok(rooms.includes('workflows/chat-turn.ts'));
  assert.deepEqual(
    rooms.filter((file) => !/^(workflows|domain)\/|^contracts\/(names|limits|errors)\.ts$/.test(file)),
    [],
  );
});
