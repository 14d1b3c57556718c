/** A thousand turns at once on one API and one worker, and a thousand that wait for a person. Linux only. */
import { type Cluster, startCluster } from '../test/support/cluster.ts';
import { type ReadyFile, startModelServer } from './bench-system.ts';
import type { Answer } from './model-server.ts';
import { type Memory, memoryOf, peakMemory, type ReadMemory, settledMemory } from './memory.ts';
import { readCrowd, SLOW } from './scale-crowd.ts';
import { askCrowd, endCrowd } from './scale-questions.ts';
import { percentile, printTable } from './stats.ts';

const TURNS = 1_000;
const WARM_UP: Answer = { pieces: 20, pieceMs: 20, toolSteps: 1 };
/** How far the worker may be above its memory without waiting turns: the noise of a garbage collector. */
const SHARE = 1.05;
const SLACK_MB = 10;

/** `turns` is their number, a thousand without it. */
export async function benchScale(turns = TURNS): Promise<void> {
  if (process.platform !== 'linux') throw new Error('scale reads /proc, which only Linux has');
  const model = await startModelServer();
  try {
    // The fake provider of the cluster is in this process, which reads the streams. The model server is not.
    const cluster = await startCluster({ script: () => ({}) });
    try {
      const env = { OPENAI_BASE_URL: model.url };
      const [api, worker] = await Promise.all([cluster.startApi(env), cluster.startWorker(env)]);
      const { databaseUrl, temporalAddress } = cluster.addresses();
      const ready: ReadyFile = {
        url: api.url,
        key: cluster.key(),
        temporal_address: temporalAddress,
        database_url: databaseUrl,
        workflow_id: cluster.workflowId(),
      };
      const memory = memoryOf({
        api: api.child.pid!,
        worker: worker.child.pid!,
        postgres: cluster.serverPid('postgres'),
        temporal: cluster.serverPid('temporal'),
      });
      await readCrowd(ready, Math.min(turns, 25), WARM_UP);
      await streaming(cluster, ready, memory, turns);
      await waiting(cluster, ready, memory, turns);
    } finally {
      await cluster.stop();
    }
  } finally {
    await model.stop();
  }
}

async function streaming(
  cluster: Cluster,
  ready: ReadyFile,
  memory: ReadMemory,
  turns: number,
): Promise<void> {
  const before = await settledMemory(memory);
  const { peak, result } = await peakMemory(memory, () => readCrowd(ready, turns, SLOW));
  const after = await settledMemory(memory);
  const ended = await cluster.query<{ n: number }>(
    `select count(*)::int as n from ai.copilot_turns where id = any($1) and status = 'complete'`,
    [result.readings.map(({ turnId }) => turnId)],
  );
  const seconds = (of: 'firstTokenMs' | 'totalMs', share: number): string =>
    inSeconds(
      percentile(
        result.readings.map((reading) => reading[of]),
        share,
      ),
    );
  printTable(
    `${turns} turns at once on one API and one worker`,
    [
      'turns',
      'lost',
      'chats refused and sent again',
      'first token p50 (s)',
      'first token p99 (s)',
      'turn p50 (s)',
      'turn p99 (s)',
    ],
    [
      [
        turns,
        turns - ended[0]!.n,
        result.refusals,
        seconds('firstTokenMs', 0.5),
        seconds('firstTokenMs', 0.99),
        seconds('totalMs', 0.5),
        seconds('totalMs', 0.99),
      ],
    ],
  );
  for (const fault of result.faults.slice(0, 10)) console.log(`fault: ${fault}`);
  printMemory(`Memory with ${turns} streaming turns (MB)`, [
    ['before', before],
    ['most', peak],
    ['after', after],
  ]);
}

async function waiting(cluster: Cluster, ready: ReadyFile, memory: ReadMemory, turns: number): Promise<void> {
  const half = Math.ceil(turns / 2);
  const before = await settledMemory(memory);
  const questions = await askCrowd(ready, 0, half);
  const withHalf = await settledMemory(memory);
  questions.push(...(await askCrowd(ready, half, turns - half)));
  const withAll = await settledMemory(memory);
  const { lost, cancelled, decided } = await endCrowd(cluster, ready, questions);
  const after = await settledMemory(memory);
  printMemory(`Memory with turns that wait for a person (MB)`, [
    ['none', before],
    [`${half} wait`, withHalf],
    [`${turns} wait`, withAll],
    ['all decided or cancelled', after],
  ]);
  const [none, all] = [before.worker!, withAll.worker!];
  printTable(
    `${turns} turns that wait for a person`,
    ['turns', 'decided', 'cancelled', 'lost', "worker's growth", 'per waiting turn', 'worker does not grow'],
    [
      [
        turns,
        decided,
        cancelled,
        lost,
        `${(all - none).toFixed(0)} MB`,
        `${(((all - none) * 1024) / turns).toFixed(0)} KB`,
        all <= none * SHARE + SLACK_MB ? 'yes' : 'no',
      ],
    ],
  );
}

function printMemory(title: string, rows: (readonly [string, Memory])[]): void {
  const names = Object.keys(rows[0]![1]);
  printTable(
    title,
    ['', ...names],
    rows.map(([when, memory]) => [when, ...names.map((name) => memory[name]!.toFixed(0))]),
  );
}

function inSeconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
