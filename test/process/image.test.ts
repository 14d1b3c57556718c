/**
 * The image of the Dockerfile, built without Docker in a clean folder. Its files alone, which its user can't change, migrate
 * the database, serve the page and run a turn. Only `npm run soak` builds it: the two `npm ci` take most of a minute.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type Cluster, startCluster } from '../support/cluster.ts';
import { chat, newSession } from '../support/cluster-client.ts';
import { type BuiltImage, buildImage, IMAGE_USER } from '../support/image.ts';
import { isLong } from '../support/repeats.ts';

const ROOT = join(import.meta.dirname, '../..');
const isRoot = process.getuid?.() === 0;

describe('the image', { skip: isLong ? false : 'npm run soak builds the image' }, () => {
  const running: ChildProcess[] = [];
  let folder: string;
  let image: BuiltImage;
  let cluster: Cluster;
  let env: NodeJS.ProcessEnv;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'copilot-image-'));
    chmodSync(folder, 0o711);
    image = buildImage(ROOT, folder);
    // Root owns the files, as in a container. Another user takes the right to write from itself.
    if (!isRoot) execFileSync('chmod', ['-R', 'a-w', image.root]);
    cluster = await startCluster({ script: () => ({ text: ['Fine.'] }) });
    const { databaseUrl, temporalAddress } = cluster.addresses();
    env = {
      PATH: `${join(image.root, 'usr/local/bin')}:/usr/bin:/bin`,
      ...image.env,
      HOST: '127.0.0.1',
      PORT: '0',
      LOG_LEVEL: 'warn',
      DATABASE_URL: databaseUrl,
      TEMPORAL_ADDRESS: temporalAddress,
      JWT_SECRET: readFileSync(join(cluster.folder, 'jwt-secret'), 'utf8').trim(),
      OPENAI_BASE_URL: cluster.fake.url,
      OPENAI_API: 'responses',
    };
  });
  after(async () => {
    for (const child of running) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await cluster?.stop();
    if (!isRoot) execFileSync('chmod', ['-R', 'u+w', folder]);
    rmSync(folder, { recursive: true, force: true });
  });

  /** Starts a container's process: the entry point with a command, as the image's user. Resolves when the process says it. */
  async function start(command: string[], says: RegExp, added: NodeJS.ProcessEnv = {}): Promise<string> {
    const [program, ...args] = image.entrypoint;
    const child = spawn(program!, [...args, ...command], {
      cwd: image.workdir,
      env: { ...env, ...added },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(isRoot ? IMAGE_USER : {}),
    });
    running.push(child);
    let output = '';
    return new Promise((resolve, reject) => {
      const collect = (chunk: Buffer): void => {
        output += chunk.toString();
        const match = says.exec(output);
        if (match) resolve(match[1] ?? match[0]);
      };
      child.stdout.on('data', collect);
      child.stderr.on('data', collect);
      child.once('close', () => reject(new Error(`${command.join(' ')} ended:\n${output}`)));
    });
  }

  /** Runs a script in the image as its user. */
  function evaluate(script: string) {
    const { status, stdout, stderr } = spawnSync('node', ['--input-type=module', '-e', script], {
      cwd: image.workdir,
      env,
      encoding: 'utf8',
      ...(isRoot ? IMAGE_USER : {}),
    });
    return { status, stdout: stdout.trim(), stderr };
  }

  test('a container starts node itself, as an unprivileged user', () => {
    assert.equal(image.user, 'node');
    assert.equal(image.entrypoint[0], 'node');
    assert.deepEqual(image.command, ['api']);
    assert.equal(image.env.NODE_ENV, 'production');
  });

  test('the user of the image can not change its files', () => {
    const { status, stderr } = evaluate(`(await import('node:fs')).writeFileSync('bin/api.ts', '')`);
    assert.notEqual(status, 0);
    assert.match(stderr, /EACCES/);
  });

  test('a worker finds the bundle of the workflows that the build has kept', () => {
    const { stdout, stderr } = evaluate(`
      const { loadWorkflowBundle } = await import('./worker/bundle-cache.ts');
      const { code } = await loadWorkflowBundle({ bundle: () => Promise.reject(new Error('bundled')) });
      console.log(code.includes('chatTurn'));`);
    assert.equal(stdout, 'true', stderr);
  });

  test('migrate, api and worker run with the logins of a deployment: the owner, and the role of few rights', async () => {
    const password = 'few rights';
    await start(['migrate', '--role', 'copilot_app'], /The role copilot_app has the rights/, {
      COPILOT_APP_PASSWORD: password,
    });
    const url = new URL(env.DATABASE_URL!);
    url.username = 'copilot_app';
    url.password = encodeURIComponent(password);
    const login = { DATABASE_URL: url.href };
    const metrics = await start(['worker'], /metrics are at (\S+)/, {
      ...login,
      COPILOT_WORKER_METRICS_ADDRESS: '127.0.0.1:0',
    });
    const api = { url: await start(image.command, /The API listens on (\S+)/, login) };
    assert.match(await (await fetch(api.url)).text(), /<div id="root">/);
    const session = await newSession(cluster, api);
    const key = { 'Idempotency-Key': randomUUID() };
    const end = await chat(cluster, () => [api], session, { message: 'Hello' }, key).end(60_000);
    assert.equal(end.content, 'Fine.');
    assert.equal((await fetch(new URL('/readyz', metrics))).status, 200);
    assert.equal((await fetch(`${api.url}/readyz`)).status, 200);
  });
});
