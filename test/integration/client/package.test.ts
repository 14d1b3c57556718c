/** The package as another project gets it: packed, installed, type-checked, and run on the Node of the machine. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { signToken } from '../../support/test-api.ts';
import { startTurnSystem, type TurnSystem } from '../../support/turn-system.ts';

const ROOT = join(import.meta.dirname, '../../..');
const BIN = join(ROOT, 'node_modules/.bin');
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'copilot-package-'));
let system: TurnSystem;

before(async () => {
  system = await startTurnSystem();
  const pack = async (source: string): Promise<string> => {
    const { stdout } = await run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: source });
    return join(folder, stdout.trim().split('\n').at(-1)!);
  };
  const packages = await Promise.all([
    pack(join(ROOT, 'client')),
    pack(join(ROOT, 'node_modules/eventsource-parser')),
  ]);
  writeFileSync(join(folder, 'package.json'), '{"type": "module", "private": true}');
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', ...packages], { cwd: folder });
});
after(async () => {
  await system?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** The Node that the machine has, where it has one beside the packaged one. */
function nodeOfTheMachine(): string {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((path) => !path.includes('node_modules'));
  return folders.map((path) => join(path, 'node')).find(existsSync) ?? process.execPath;
}

test('a project that installed it talks to the service', async () => {
  system.scripts.set('Hello', () => ({ text: ['Hello ', 'there.'] }));
  const session = await system.newSession();
  writeFileSync(
    join(folder, 'talk.js'),
    `import { applyDiff, createCopilotClient, foldEvents, initialTurnView } from 'workflow-copilot-client';
const [baseUrl, token, sessionId] = process.argv.slice(2);
const client = createCopilotClient({ baseUrl, getToken: () => token });
let view = initialTurnView();
for await (const event of client.chat(sessionId, { message: 'Hello' })) view = foldEvents(view, event);
const graph = applyDiff({ blocks: [], edges: [] }, { add_blocks: [
  { id: 'a', type: 'code', name: 'A', position: { x: 0, y: 0 }, config: {} },
] });
console.log(JSON.stringify({ node: process.versions.node, text: view.text, end: view.end, blocks: graph.blocks.length }));
`,
  );
  const { stdout } = await run(nodeOfTheMachine(), ['talk.js', system.url, await signToken(), session.id], {
    cwd: folder,
  });
  const { node, ...said } = JSON.parse(stdout) as Record<string, unknown>;
  console.log(`on Node ${String(node)}`);
  assert.deepEqual(said, { text: 'Hello there.', end: 'complete', blocks: 1 });
});

test('its types hold in a strict project for browsers', async () => {
  writeFileSync(
    join(folder, 'page.ts'),
    `import {
  CopilotError, type CopilotErrorCode, createCopilotClient, foldEvents, initialTurnView, type TurnEvent, type TurnView,
} from 'workflow-copilot-client';
const client = createCopilotClient({ baseUrl: '', getToken: async (refused) => (refused ? 'new' : 'old') });
export async function show(sessionId: string, signal: AbortSignal): Promise<TurnView> {
  let view: TurnView = initialTurnView();
  try {
    for await (const event of client.chat(sessionId, { message: 'Hi' }, { signal, joinRunning: true })) {
      view = foldEvents(view, event);
      document.title = textOf(event);
    }
  } catch (error: unknown) {
    if (!(error instanceof CopilotError)) throw error;
    const code: CopilotErrorCode = error.code;
    document.title = \`\${code} \${error.retryAfterMs ?? 0}\`;
  }
  return view;
}
function textOf(event: TurnEvent): string {
  switch (event.event) {
    case 'content_delta':
      return event.delta;
    case 'confirmation_required':
      return event.summary;
    case 'complete':
      return event.usage.cost_usd ?? event.stop_reason;
    default:
      // @ts-expect-error: not every event has a delta.
      return event.delta;
  }
}
`,
  );
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: 'es2022',
        lib: ['es2022', 'dom'],
        module: 'esnext',
        moduleResolution: 'bundler',
        types: [],
      },
      files: ['page.ts'],
    }),
  );
  for (const options of [[], ['--module', 'nodenext', '--moduleResolution', 'nodenext']]) {
    const { stdout } = await run(join(BIN, 'tsc'), ['-p', '.', ...options], { cwd: folder }).catch(
      (error: unknown) => error as { stdout: string },
    );
    assert.equal(stdout, '');
  }
});
