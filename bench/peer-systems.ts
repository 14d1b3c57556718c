/** The programs of bench/peers/: installed by npm on demand, each bundled and started as a process of its own. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { addressOf, type BenchSystem, cleanEnvironment, endChild, ROOT } from './bench-system.ts';

const FOLDER = join(ROOT, 'bench/peers');
const INSTALL_LIMIT_MS = 10 * 60_000;
const BUNDLE_LIMIT_MS = 3 * 60_000;

export interface PeerProgram {
  title: string;
  /** The file in bench/peers. */
  program: 'plain-temporal' | 'workflow-streams' | 'openai-agents';
  /** See bench/peers/settings.ts. */
  tuned: boolean;
  /** Whether pieces come before the whole answer is there. */
  streams: boolean;
}

/** Their names are the words that the command line takes. */
export const PEERS: Record<string, PeerProgram> = {
  'plain-temporal': {
    title: 'hand-written activities',
    program: 'plain-temporal',
    tuned: false,
    streams: false,
  },
  'workflow-streams': {
    title: 'workflow-streams',
    program: 'workflow-streams',
    tuned: false,
    streams: true,
  },
  'workflow-streams-tuned': {
    title: 'workflow-streams, tuned',
    program: 'workflow-streams',
    tuned: true,
    streams: true,
  },
  'openai-agents': { title: 'openai-agents', program: 'openai-agents', tuned: false, streams: true },
  'openai-agents-tuned': {
    title: 'openai-agents, tuned',
    program: 'openai-agents',
    tuned: true,
    streams: true,
  },
};

/** Runs `npm ci` in bench/peers unless its packages are as new as its lockfile. Throws when npm can't. */
export function installPeers(): void {
  const installed = join(FOLDER, 'node_modules/.package-lock.json');
  if (
    existsSync(installed) &&
    statSync(installed).mtimeMs >= statSync(join(FOLDER, 'package-lock.json')).mtimeMs
  )
    return;
  console.log('Installing bench/peers (npm ci, about 320 MB)...');
  const result = spawnSync('npm', ['ci', '--prefix', FOLDER, '--loglevel=error'], {
    cwd: FOLDER,
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: INSTALL_LIMIT_MS,
  });
  if (result.status === 0) return;
  throw new Error(
    `npm ci failed in bench/peers${result.error ? ` (${result.error.message})` : ''}. Check that the npm registry can be reached from here (\`npm ping\`) and that the disk is not full. Without these packages the peers can't be measured.`,
  );
}

/** Starts a program: its worker and its front. */
export async function startPeer(
  { program, tuned }: PeerProgram,
  { ready, modelUrl }: BenchSystem,
  folder: string,
): Promise<{ url: string; child: ChildProcess; stop: () => Promise<void> }> {
  const bundle = join(folder, `${program}.js`);
  if (!existsSync(bundle)) bundleWorkflows(program, bundle);
  const child = spawn(process.execPath, ['--max-semi-space-size=16', `${program}.ts`], {
    cwd: FOLDER,
    env: {
      ...cleanEnvironment(),
      TEMPORAL_ADDRESS: ready.temporal_address,
      OPENAI_BASE_URL: modelUrl,
      WORKFLOW_BUNDLE: bundle,
      PEER_TUNED: tuned ? '1' : '',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return { url: await addressOf(child), child, stop: () => endChild(child) };
}

function bundleWorkflows(program: string, file: string): void {
  const result = spawnSync(process.execPath, ['bundle.ts', program, file], {
    cwd: FOLDER,
    env: { ...cleanEnvironment(), OPENAI_API_KEY: 'none' },
    stdio: ['ignore', 'ignore', 'inherit'],
    timeout: BUNDLE_LIMIT_MS,
  });
  if (result.status !== 0) throw new Error(`the workflows of bench/peers/${program} could not be bundled`);
}
