/**
 * npm run deployment: lists the versions of the workers with their open turns. With `-- current <build id>`, that version
 * begins the new turns. With `-- move <build id> <build id>`, the open turns of the first version move to the second one.
 * `--unversioned` in place of the last build id stands for the workers without a version. See docs/runbook.md.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { TEMPORAL } from '../runtime/bounds.ts';
import { connectTemporalClient } from '../runtime/connections.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { createDeployment, type Deployment, type DeploymentVersion } from '../worker/deployment.ts';
import { findTemporal } from './find-addresses.ts';
import { runCommand } from './run-command.ts';

const USAGE = `usage: npm run deployment
       npm run deployment -- current <build id>
       npm run deployment -- move <build id> <build id>
Write --unversioned in place of the last build id for the workers without a version.`;
/** How long the first worker of a new version may take until Temporal knows the version. */
const UNKNOWN_MS = 30_000;
const UNKNOWN_POLL_MS = 500;

/** Null stands for the workers without a version. */
type BuildId = string | null;
type Request =
  | { do: 'list' }
  | { do: 'current'; buildId: BuildId }
  | { do: 'move'; from: string; to: BuildId };

await runCommand('deployment', async ({ config, logger, shutdown }) => {
  const request = readRequest(process.argv.slice(3));
  const address = findTemporal(config);
  const temporal = await connectTemporalClient(config.temporal, address, logger);
  const deployment = createDeployment(temporal.client.connection, config.temporal);
  try {
    const versions = await temporal.client
      .withDeadline(Date.now() + TEMPORAL.rpcMs, () => deployment.list())
      .catch((error: unknown) => {
        throw new FriendlyError(
          `Temporal at ${address} did not answer: ${(error as Error).message}. Check TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and the rights of the key.`,
          { cause: error },
        );
      });
    if (request.do === 'current') await makeCurrent(deployment, request.buildId);
    if (request.do === 'move') {
      requireKnown(versions, request.from);
      if (request.to !== null) requireKnown(versions, request.to);
      const moved = await deployment.move(request.from, request.to);
      console.log(`${moved} turns of ${request.from} were moved.`);
    }
    printVersions(config.temporal.deployment, request.do === 'list' ? versions : await deployment.list());
  } finally {
    await temporal.close();
  }
  shutdown.exit(0);
});

function readRequest(args: string[]): Request {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: { unversioned: { type: 'boolean', default: false } },
      allowPositionals: true,
    });
    const [command, ...given] = positionals;
    const [first, second, ...more] = [...given, ...(values.unversioned ? [null] : [])];
    if (more.length > 0) throw new Error('too many words');
    if (command === undefined && first === undefined) return { do: 'list' };
    if (command === 'current' && first !== undefined && second === undefined)
      return { do: 'current', buildId: first };
    if (command === 'move' && typeof first === 'string' && second !== undefined)
      return { do: 'move', from: first, to: second };
    throw new Error('a word is missing or unknown');
  } catch (error: unknown) {
    throw new FriendlyError(`${USAGE}\n(${(error as Error).message})`, { cause: error });
  }
}

/** Waits for a version that was just deployed. */
async function makeCurrent(deployment: Deployment, buildId: BuildId): Promise<void> {
  for (const until = Date.now() + UNKNOWN_MS; ; await delay(UNKNOWN_POLL_MS)) {
    const refusal = await deployment.makeCurrent(buildId);
    if (refusal === null) break;
    if (Date.now() > until)
      throw new FriendlyError(
        `Temporal does not make ${nameOf(buildId)} the current version: ${refusal}. Start workers with COPILOT_BUILD_ID=${buildId} first, then run the command again.`,
      );
  }
  console.log(`New turns begin on ${nameOf(buildId)}.`);
}

function requireKnown(versions: DeploymentVersion[], buildId: string): void {
  if (versions.some((version) => version.buildId === buildId)) return;
  throw new FriendlyError(`Temporal knows no version ${buildId}. Run \`npm run deployment\` for the list.`);
}

function printVersions(deployment: string, versions: DeploymentVersion[]): void {
  console.log(`\nThe deployment ${deployment}:`);
  for (const { buildId, isCurrent, open, lastPoll } of versions) {
    const workers =
      lastPoll === null
        ? 'no workers'
        : `workers asked for work ${Math.max(0, Math.round((Date.now() - lastPoll.getTime()) / 1_000))} s ago`;
    console.log(`  ${nameOf(buildId)}${isCurrent ? ' (current)' : ''}: ${open} open turns, ${workers}`);
  }
}

function nameOf(buildId: BuildId): string {
  return buildId ?? 'unversioned';
}
