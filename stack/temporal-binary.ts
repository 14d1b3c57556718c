/**
 * Finds the Temporal CLI, whose dev server the embedded stack runs. It is looked for on the PATH and in the cache, then
 * downloaded, then built with Go.
 */
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { cacheFolder, findOnPath, goInstall, makeOnce, runProgram } from './program-cache.ts';

/** Later versions can't be built with `go install`, because their go.mod has a replace directive. */
const VERSION = '1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@v${VERSION}`;
const DOWNLOAD_HOST = 'https://temporal.download';
const PROBE_MS = 3_000;
const DOWNLOAD_MS = 120_000;

/** The path of the binary. Prints on the console what takes long. Throws FriendlyError. */
export async function findTemporalBinary(env: Record<string, string | undefined>): Promise<string> {
  const onPath = findOnPath('temporal', env);
  if (onPath) return onPath;
  const cache = cacheFolder(env);
  const binary = join(cache, `temporal-${VERSION}`);
  return makeOnce(binary, 'the Temporal server', async () => {
    if (await download(cache, binary)) return;
    await build(cache, binary, env);
  });
}

/** Downloads the server with Temporal's testing package. Returns false when that fails. */
async function download(cache: string, binary: string): Promise<boolean> {
  try {
    await fetch(DOWNLOAD_HOST, { method: 'HEAD', signal: AbortSignal.timeout(PROBE_MS) });
  } catch {
    return false;
  }
  console.log('Downloading the Temporal dev server (about 50 MB, once)...');
  const folder = join(cache, `download-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  const script = `
    const { TestWorkflowEnvironment } = await import('@temporalio/testing');
    const env = await TestWorkflowEnvironment.createLocal({
      server: { executable: { type: 'cached-download', downloadDir: process.argv[1], version: 'v${VERSION}' } },
    });
    await env.teardown();
    process.exit(0);`;
  try {
    await runProgram(process.execPath, ['--input-type=module', '-e', script, folder], {
      timeoutMs: DOWNLOAD_MS,
    });
    const file = readdirSync(folder)
      .map((name) => join(folder, name))
      .find((path) => statSync(path).isFile());
    if (!file) return false;
    renameSync(file, binary);
    return true;
  } catch {
    console.log('The download did not work; building the server instead.');
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function build(cache: string, binary: string, env: Record<string, string | undefined>): Promise<void> {
  const go = findOnPath('go', env);
  if (!go) {
    throw new FriendlyError(
      `The Temporal server is not installed, can't be downloaded from ${DOWNLOAD_HOST}, and can't be built, because Go is not installed. Do one of these: install the Temporal CLI (docs.temporal.io/cli), install Go (go.dev/dl), or set TEMPORAL_ADDRESS to a running Temporal.`,
    );
  }
  console.log(
    `Building the Temporal dev server with Go, because it can't be downloaded from here. This happens once and takes about 3 minutes; it is kept in ${cache}.`,
  );
  const folder = join(cache, `build-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  try {
    await goInstall({
      go,
      title: 'the Temporal dev server',
      packages: [MODULE],
      folder,
      otherwise: 'set TEMPORAL_ADDRESS to a running Temporal.',
    });
    renameSync(join(folder, 'temporal'), binary);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
