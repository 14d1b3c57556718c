/**
 * npm run eval: plays the cases on the whole service and reports what came of them. eval/README.md explains it. Exit codes:
 * 0 when every trial passed, 1 when one failed, 2 when the command line or the environment is wrong.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { ConfigError } from '../runtime/config.ts';
import { FriendlyError } from '../runtime/friendly-error.ts';
import { findNpmParent } from '../runtime/process-identity.ts';
import { installShutdown, type Shutdown } from '../runtime/shutdown.ts';
import { type Budget, createBudget } from './budget.ts';
import { CASES } from './cases/index.ts';
import { chooseVariants, type Variant } from './choose-variants.ts';
import { type EvalOptions, readOptions } from './options.ts';
import { renderMeasures } from './report/measures.ts';
import { parseReport, renderFigures, renderReport, type Report } from './report/report.ts';
import { compareSnapshots, snapshotFiles, writeSnapshots } from './report/snapshots.ts';
import { type Summary, summarize } from './report/summary.ts';
import { runCases, type Servers, type Trial } from './run-cases.ts';
import { startEmbeddedStack } from './service/embedded-stack.ts';

const WRONG_USE = 2;
const STOP_LIMIT_MS = 11_000;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(3));
  if (options === null) return 0;
  const variants = chooseVariants(options, process.env);
  const earlier = options.against === null ? [] : readEarlier(options.against);
  const shutdown = installShutdown({ parent: findNpmParent(process.env), interruptedCode: 1 });
  try {
    return await play(options, variants, earlier, shutdown);
  } finally {
    await shutdown.run();
  }
}

async function play(
  options: EvalOptions,
  variants: readonly Variant[],
  earlier: readonly Summary[],
  shutdown: Shutdown,
): Promise<number> {
  const isRecorded = variants[0]!.model === null;
  console.log(
    isRecorded
      ? options.recorded
        ? 'The recorded answers are played.'
        : 'No model has a key, so the recorded answers are played. Set OPENAI_API_KEY or ANTHROPIC_API_KEY for a real model.'
      : `Comparing: ${variants.map(({ name }) => name).join(', ')}.`,
  );
  console.log('Starting Postgres and Temporal...');
  const { servers } = await startEmbeddedStack((stop) => shutdown.add('the stack', stop, STOP_LIMIT_MS));
  const summaries: Summary[] = [];
  const budget = createBudget(options.budgetUsd);
  let differs = false;
  for (const variant of variants) {
    const trials = await runVariant(options, variant, servers, budget);
    summaries.push(summarize(variant.name, trials));
    if (!isRecorded) continue;
    console.log(`\n${renderMeasures(trials)}`);
    if (variants.length === 1 && options.prompts.length === 0 && trials.length === CASES.length)
      differs = !settleSnapshots(options.update, trials);
  }
  const report: Report = { at: new Date().toISOString(), summaries: [...earlier, ...summaries] };
  console.log(`\n${renderFigures(report)}`);
  if (options.out !== null) writeReport(resolve(options.out), report);
  return differs || summaries.some(({ passAt1 }) => passAt1 < 1) ? 1 : 0;
}

async function runVariant(
  options: EvalOptions,
  variant: Variant,
  servers: Servers,
  budget: Budget,
): Promise<Trial[]> {
  const { cases, trials, parallel, budgetUsd } = options;
  console.log(`\n== ${variant.name}: ${cases.length} cases`);
  const done = await runCases({
    servers,
    cases,
    trials,
    parallel,
    variant,
    isOver: () => budget.isSpent(),
    onTrial(trial, count, all) {
      const { costUsd, modelCalls } = summarize(variant.name, [trial]);
      budget.add(costUsd);
      const cost =
        costUsd === null ? '' : `, $${costUsd.toFixed(4)} ($${budget.spentUsd().toFixed(2)} so far)`;
      console.log(
        `${String(count).padStart(4)}/${all} ${trial.faults.length === 0 ? 'pass' : 'FAIL'} ${trial.case.id} (${modelCalls} model calls, ${(trial.ms / 1_000).toFixed(1)} s${cost})`,
      );
      for (const { check, fault } of trial.faults) console.log(`          ${check}: ${fault}`);
    },
  });
  const left = cases.length * trials - done.length;
  if (left > 0) console.log(`The budget of $${budgetUsd} is spent: ${left} trials were not run.`);
  return done;
}

/** Writes or compares the snapshots, after one trial of every case on recorded answers. False when they differ. */
function settleSnapshots(update: boolean, trials: readonly Trial[]): boolean {
  if (update) {
    if (trials.some(({ faults }) => faults.length > 0)) {
      console.log('\nA case failed, so the snapshots are not written.');
      return false;
    }
    writeSnapshots(snapshotFiles(trials));
    console.log('\nThe snapshots and the table of eval/README.md are written.');
    return true;
  }
  const differing = compareSnapshots(snapshotFiles(trials));
  for (const one of differing) console.log(`differs from eval/${one}`);
  if (differing.length > 0) console.log('`npm run eval -- --update` writes the new snapshots.');
  return differing.length === 0;
}

function readEarlier(file: string): Summary[] {
  try {
    const { at, summaries } = parseReport(readFileSync(file, 'utf8'));
    return summaries.map((summary) => ({ ...summary, name: `${summary.name} (${at.slice(0, 10)})` }));
  } catch (error: unknown) {
    throw new FriendlyError(`--against: ${file} is no report.json of the eval: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function writeReport(folder: string, report: Report): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'report.md'), renderReport(report));
  writeFileSync(join(folder, 'report.json'), `${JSON.stringify(report, null, 2)}\n`);
  console.log(`The report is in ${folder}.`);
}

try {
  process.exitCode = await main();
} catch (error: unknown) {
  const isUse = error instanceof FriendlyError || error instanceof ConfigError;
  console.error(isUse ? error.message : error);
  process.exitCode = isUse ? WRONG_USE : 1;
}
process.exit();
