/** Runs cases on several instances of the service at once. */
import { installRuntime } from '../worker/run-worker.ts';
import { createLogger } from '../runtime/logger.ts';
import type { EvalCase, Outcome } from './case.ts';
import type { Variant } from './choose-variants.ts';
import { type Fault, judge } from './checks/judge.ts';
import { startRecordedModel, type RecordedModel, type SeenCase } from './recorded-model/recorded-model.ts';
import { type Instance, startInstance } from './service/instance.ts';
import { makeProjectDatabases } from './service/project-databases.ts';
import { explain, runCase } from './service/run-case.ts';

/** Where the servers are. */
export interface Servers {
  databaseUrl: string;
  temporalAddress: string;
}

/** One run of one case. */
export interface Trial {
  case: EvalCase;
  /** From 1. */
  trial: number;
  /** Null when the case could not be run. */
  outcome: Outcome | null;
  /** Empty when the case has passed. */
  faults: readonly Fault[];
  /** Null for a real model. */
  seen: SeenCase | null;
  ms: number;
}

export interface RunSettings {
  servers: Servers;
  cases: readonly EvalCase[];
  /** How often each case is run. */
  trials: number;
  /** How many instances run cases at once. */
  parallel: number;
  variant: Pick<Variant, 'model' | 'env'>;
  onTrial?: (trial: Trial, done: number, all: number) => void;
  /** Asked before each trial: whether no more may begin. */
  isOver?: () => boolean;
}

/** The model whose requests the recorded answers are sent for. */
export const RECORDED_AS = 'gpt-5.2';

let isInstalled = false;

/** Runs every case so many times. The trials come in the order of the cases. */
export async function runCases(settings: RunSettings): Promise<Trial[]> {
  if (!isInstalled) installRuntime(createLogger({ level: 'error' }));
  isInstalled = true;
  const queue = settings.cases.flatMap((evalCase) =>
    Array.from({ length: settings.trials }, (_, index) => ({ evalCase, trial: index + 1 })),
  );
  const all = queue.length;
  const many = Math.min(settings.parallel, all);
  const databases = await makeProjectDatabases(settings.servers.databaseUrl, many);
  const trials: Trial[] = [];
  const places: Place[] = [];
  try {
    // One after the other: a start keeps the process busy, and a connection that is opened meanwhile may not wait for long.
    for (const databaseUrl of databases.urls) places.push(await openPlace(settings, databaseUrl));
    await Promise.all(
      places.map(async (place) => {
        for (let next = queue.shift(); next && !settings.isOver?.(); next = queue.shift()) {
          const trial = await runTrial(place, next.evalCase, next.trial);
          trials.push(trial);
          settings.onTrial?.(trial, trials.length, all);
        }
      }),
    );
  } finally {
    await Promise.all(places.map((place) => place.close()));
    await databases.drop();
  }
  const order = new Map(settings.cases.map(({ id }, index) => [id, index]));
  return trials.toSorted((a, b) => order.get(a.case.id)! - order.get(b.case.id)! || a.trial - b.trial);
}

/** An instance, and its recorded model if it has one. */
interface Place {
  instance: Instance;
  recorded: RecordedModel | null;
  close(): Promise<void>;
}

async function openPlace({ servers, variant }: RunSettings, databaseUrl: string): Promise<Place> {
  const recorded = variant.model === null ? await startRecordedModel() : null;
  const toRecorded = recorded === null ? {} : { OPENAI_BASE_URL: recorded.url, OPENAI_API: 'responses' };
  const instance = await startInstance({
    databaseUrl,
    temporalAddress: servers.temporalAddress,
    env: { ...variant.env, ...toRecorded },
    model: variant.model ?? RECORDED_AS,
  }).catch(async (error: unknown) => {
    await recorded?.close();
    throw error;
  });
  return {
    instance,
    recorded,
    async close() {
      await instance.stop();
      await recorded?.close();
    },
  };
}

async function runTrial({ instance, recorded }: Place, evalCase: EvalCase, trial: number): Promise<Trial> {
  const startedAt = performance.now();
  const end = (outcome: Outcome | null, faults: readonly Fault[]): Trial => {
    const seen = recorded?.seen(`${evalCase.id}: ${evalCase.about}`) ?? null;
    const notRecorded = (seen?.faults ?? []).map((fault) => ({ check: 'the recorded answers fit', fault }));
    return {
      case: evalCase,
      trial,
      outcome,
      faults: [...notRecorded, ...faults],
      seen,
      ms: performance.now() - startedAt,
    };
  };
  try {
    recorded?.begin(evalCase.id);
    const outcome = await runCase(instance, evalCase, (index) => recorded?.onTurn(index));
    return end(outcome, judge(evalCase, outcome));
  } catch (error: unknown) {
    return end(null, [{ check: 'the case runs', fault: explain(error) }]);
  }
}
