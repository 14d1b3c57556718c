/**
 * The production Temporal server and its schema tool, built with Go from the module proxy. The version is the one of
 * docker-compose.yml. Go checks each module against its checksum database; the server's module is also compared with SUM.
 */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { cacheFolder, findOnPath, goInstall, makeOnce, runProgram } from './program-cache.ts';

export const SERVER_VERSION = '1.29.1';
const MODULE = 'go.temporal.io/server';
/** The checksum of the module, which pins its source and the versions of its dependencies. */
const SUM = 'h1:sgiMveg/8e51lA62pWb9VzC5WTRitKFyT6XsjonHUhE=';
const PACKAGES = ['cmd/server', 'cmd/tools/sql'];
const TITLE = `the Temporal server ${SERVER_VERSION}`;
/** Without debugging information: half the size. */
const FLAGS = ['-trimpath', '-ldflags=-s -w'];

export interface ClusterBinaries {
  server: string;
  sqlTool: string;
}

/** The folder that holds the binaries once they are built. */
export function clusterFolder(env: Record<string, string | undefined>): string {
  return join(cacheFolder(env), `temporal-server-${SERVER_VERSION}`);
}

/** The paths of the binaries. The first call builds them, which takes minutes. Throws FriendlyError. */
export async function findClusterBinaries(env: Record<string, string | undefined>): Promise<ClusterBinaries> {
  const built = clusterFolder(env);
  await makeOnce(built, TITLE, () => build(built, env));
  return { server: join(built, 'server'), sqlTool: join(built, 'sql') };
}

async function build(target: string, env: Record<string, string | undefined>): Promise<void> {
  const go = findOnPath('go', env);
  if (!go) {
    throw new FriendlyError(
      `The production Temporal server is built with Go, which is not installed. Install Go (go.dev/dl), or use the dev server: npm run stack.`,
    );
  }
  console.log(
    `Building ${TITLE} with Go. This happens once and takes about 3 minutes; it is kept in ${target}.`,
  );
  const draft = `${target}.${process.pid}`;
  mkdirSync(draft, { recursive: true });
  try {
    await goInstall({
      go,
      title: TITLE,
      packages: PACKAGES.map((path) => `${MODULE}/${path}@v${SERVER_VERSION}`),
      folder: draft,
      flags: FLAGS,
      otherwise: 'use the dev server: npm run stack.',
    });
    for (const name of ['server', 'sql']) await verify(go, join(draft, name));
    renameSync(draft, target);
  } finally {
    rmSync(draft, { recursive: true, force: true });
  }
}

/** Throws unless Go built a binary from the module with the pinned checksum. */
async function verify(go: string, binary: string): Promise<void> {
  const about = await runProgram(go, ['version', '-m', binary]);
  if (about.includes(`\t${MODULE}\tv${SERVER_VERSION}\t${SUM}\n`)) return;
  throw new FriendlyError(
    `The Go module proxy gave another ${MODULE} v${SERVER_VERSION} than the one with the checksum ${SUM}:\n${about.split('\n').find((line) => line.includes(`\t${MODULE}\t`)) ?? about}`,
  );
}
