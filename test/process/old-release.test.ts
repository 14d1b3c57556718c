/**
 * A rolling upgrade: processes of the release before this one, on the schema of this one, alone and side by side with
 * this one's. Their code is taken from the repository's history; a clone without it skips these tests.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ApiRole, type Cluster, type Role, startCluster } from '../support/cluster.ts';
import { call, chat, newSession, type Reader, seqs, shownText, upTo } from '../support/cluster-client.ts';

/** The last commit of the release before this one. */
const OLD_COMMIT = '50318ce';
const ROOT = join(import.meta.dirname, '../..');
const PIECES = upTo(12).map((n) => `w${n} `);
const END_MS = 60_000;

const git = (...args: string[]) =>
  spawnSync('git', ['-C', ROOT, ...args], { maxBuffer: 2 ** 30, stdio: ['ignore', 'pipe', 'ignore'] });
const skip =
  git('cat-file', '-e', `${OLD_COMMIT}^{commit}`).status === 0
    ? false
    : `this clone does not hold commit ${OLD_COMMIT}: fetch its history to run the code of the release before`;

let cluster: Cluster;
/** The arguments that start a role of a release. */
type Release = [env: NodeJS.ProcessEnv, root?: string];
let oldRelease: Release;
let newRelease: Release;

before(async () => {
  if (skip !== false) return;
  cluster = await startCluster({
    script: ({ message, toolResults }) => {
      if (message.startsWith('Make') && toolResults === 0) {
        const data = { name: message.slice('Make '.length), model: 'gpt-4.1' };
        return {
          toolCalls: [{ name: 'manage_project_asset', arguments: { action: 'create', kind: 'agent', data } }],
        };
      }
      if (message.startsWith('Look') && toolResults < 2) {
        const arguments_ = { block_types: [['agent', 'code'][toolResults]] };
        return {
          text: PIECES,
          pieceMs: 25,
          toolCalls: [{ name: 'get_block_info', arguments: arguments_ }],
        };
      }
      return { text: PIECES, pieceMs: 25 };
    },
  });
  const root = join(cluster.folder, '../old');
  mkdirSync(root);
  const archive = git('archive', '--format=tar', OLD_COMMIT);
  const unpacked = spawnSync('tar', ['-x', '-C', root], { input: archive.stdout });
  assert.equal(unpacked.status, 0, String(unpacked.stderr));
  symlinkSync(join(ROOT, 'node_modules'), join(root, 'node_modules'));
  // With the addresses in its environment, a role brings the database up to date when it starts.
  const ready = JSON.parse(readFileSync(join(cluster.folder, 'ready.json'), 'utf8')) as Record<
    string,
    string
  >;
  const env = { DATABASE_URL: ready.database_url!, TEMPORAL_ADDRESS: ready.temporal_address! };
  oldRelease = [env, root];
  newRelease = [env];
});
after(() => cluster?.stop());

async function assertReady(api: ApiRole): Promise<void> {
  const response = await fetch(`${api.url}/readyz`);
  assert.equal(response.status, 200, `${await response.text()}\n${api.output()}`);
}

/** Ended well, and nothing of it lost or doubled. */
async function assertWhole(session: string, reader: Reader): Promise<void> {
  const end = await reader.end(END_MS);
  assert.equal(end.event, 'complete', JSON.stringify(end));
  assert.equal(shownText(reader.events), end.content);
  assert.deepEqual(seqs(reader.events), upTo(Number(end.seq)));
  const terminal = reader.events.filter(({ event }) => event === 'complete' || event === 'error');
  assert.equal(terminal.length, 1);
  const rows = await cluster.query<{ role: string; n: number }>(
    'select role, count(*)::int as n from ai.copilot_messages where session_id = $1 group by role order by role',
    [session],
  );
  assert.deepEqual(rows, [
    { role: 'assistant', n: 1 },
    { role: 'user', n: 1 },
  ]);
  const usage = await cluster.query<{ step: number }>(
    'select step from ai.copilot_usage where turn_id = $1 and not estimated order by step',
    [reader.turnId()],
  );
  assert.deepEqual(
    usage.map(({ step }) => step),
    upTo(usage.length),
    'each step is billed once',
  );
}

/** A turn that waits for a person. */
async function askedTurn(name: string, apis: () => ApiRole[]) {
  const session = await newSession(cluster, apis()[0]!);
  const reader = chat(cluster, apis, session, { message: `Make ${name}` });
  const question = await reader.until(({ event }) => event === 'confirmation_required');
  return {
    session,
    reader,
    async decide(approved: boolean): Promise<void> {
      const path = `/api/copilot/sessions/${session}/turns/${reader.turnId()}/confirmations/${String(question.call_id)}`;
      const { status, body } = await call(cluster, apis()[0]!, 'POST', path, { approved });
      assert.equal(status, 200, JSON.stringify(body));
    },
    async assertDone(approved: boolean): Promise<void> {
      await assertWhole(session, reader);
      const made = await cluster.query('select 1 from ai.agents where name = $1', [name]);
      assert.equal(made.length, approved ? 1 : 0);
    },
  };
}

async function lookAround(apis: () => ApiRole[]): Promise<{ session: string; reader: Reader }> {
  const session = await newSession(cluster, apis()[0]!);
  const reader = chat(cluster, apis, session, { message: 'Look around' });
  await reader.until(({ event }) => event === 'content_delta');
  return { session, reader };
}

// The steps of one upgrade, and of its way back: each test goes on with the processes of the one before.
let api: ApiRole;
let worker: Role;
const apis = (): ApiRole[] => [api];

test('old processes start, restart and work on the new schema', { skip }, async () => {
  [api, worker] = await Promise.all([cluster.startApi(...oldRelease), cluster.startWorker(...oldRelease)]);
  await assertReady(api);
  const approved = await askedTurn('Old approved', apis);
  const rejected = await askedTurn('Old rejected', apis);
  const { session, reader } = await lookAround(apis);
  // In the middle of everything both are killed and come back: they look at the migrations again.
  await Promise.all([api.kill('SIGKILL'), worker.kill('SIGKILL')]);
  [api, worker] = await Promise.all([cluster.startApi(...oldRelease), cluster.startWorker(...oldRelease)]);
  await assertReady(api);
  await approved.decide(true);
  await rejected.decide(false);
  await assertWhole(session, reader);
  await approved.assertDone(true);
  await rejected.assertDone(false);
  assert.equal(worker.child.exitCode, null, worker.output());
  assert.equal(api.child.exitCode, null, api.output());
});

test('a new worker finishes what old ones began, and works for an old API', { skip }, async () => {
  const { session, reader } = await lookAround(apis);
  const asked = await askedTurn('Handed over', apis);
  const replacement = await cluster.startWorker(...newRelease);
  await worker.kill('SIGTERM');
  worker = replacement;
  await assertWhole(session, reader);
  await asked.decide(true);
  await asked.assertDone(true);
  const mixed = await lookAround(apis);
  await assertWhole(mixed.session, mixed.reader);
});

test('an old worker beside a new API', { skip }, async () => {
  const replacements = [
    await cluster.startApi(...newRelease),
    await cluster.startWorker(...oldRelease),
  ] as const;
  await Promise.all([api.kill('SIGTERM'), worker.kill('SIGTERM')]);
  [api, worker] = replacements;
  await assertReady(api);
  const asked = await askedTurn('Mixed', apis);
  await asked.decide(true);
  await asked.assertDone(true);
  const mixed = await lookAround(apis);
  await assertWhole(mixed.session, mixed.reader);
});

test('what a new worker began is not lost on an old one', { skip }, async () => {
  const old = worker;
  worker = await cluster.startWorker(...newRelease);
  await old.kill('SIGTERM');
  const { session, reader } = await lookAround(apis);
  const asked = await askedTurn('Handed back', apis);
  const back = await cluster.startWorker(...oldRelease);
  await worker.kill('SIGTERM');
  await asked.decide(false);
  // An old worker can't always replay what a newer one has done. Then it leaves the turn to the next new one.
  worker = await cluster.startWorker(...newRelease);
  await assertWhole(session, reader);
  await asked.assertDone(false);
  assert.equal(back.child.exitCode, null, back.output());
});
