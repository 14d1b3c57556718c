/**
 * The product beside the packages that Temporal has for the same purpose, and beside hand-written activities: npm run bench --
 * peers [trial] [name ...]. `trial` measures for seconds only; names choose systems.
 */
import proto from '@temporalio/proto';
import { Client, Connection } from '@temporalio/client';
import { rmSync } from 'node:fs';
import { turnWorkflowId } from '../contracts/turn-workflow-id.ts';
import { type BenchSystem, makeFolder, startBenchSystem } from './bench-system.ts';
import { chatWithBare, chatWithProduct, makeSessions, type Reading } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { FULL, type MeasuredSystem, rowOf, takeFigures, TRIAL } from './peer-figures.ts';
import { installPeers, PEERS, startPeer } from './peer-systems.ts';
import { printTable } from './stats.ts';

const HEAD = [
  'system',
  'piece to reader p50',
  'p99',
  'first token added p50',
  'p99',
  'history events',
  'history bytes',
  'turns a minute',
  'turns failed',
  'memory idle',
  'at the most',
];

/** Measures one system after the other, on one Temporal dev server and one model server. Prints a row for each. */
export async function benchPeers(words: string[]): Promise<void> {
  const names = words.filter((word) => word !== 'trial');
  const all = ['bare', 'product', ...Object.keys(PEERS)];
  const unknown = names.find((name) => !all.includes(name));
  if (unknown !== undefined) throw new Error(`There is no ${unknown}. Choose of: trial, ${all.join(', ')}`);
  const chosen = names.length === 0 ? all : all.filter((name) => names.includes(name));
  const plan = words.includes('trial') ? TRIAL : FULL;
  if (chosen.some((name) => name in PEERS)) installPeers();
  const folder = makeFolder();
  const bench = await startBenchSystem();
  const connection = await Connection.connect({ address: bench.ready.temporal_address });
  const client = new Client({ connection });
  const bareChat = (answer: Answer): Promise<Reading> => chatWithBare(bench.bareUrl, answer);
  const rows: string[][] = [];
  const failed: string[] = [];
  const measure = async (title: string, system: MeasuredSystem, streams: boolean): Promise<void> => {
    console.log(`${new Date().toISOString().slice(11, 19)} ${title}`);
    try {
      rows.push(rowOf(title, await takeFigures(system, bareChat, plan), streams));
    } catch (error: unknown) {
      // The figures of the other systems are worth having.
      failed.push(title);
      console.error(`${title} failed:`, error);
    }
  };
  try {
    for (const name of chosen) {
      const peer = PEERS[name];
      if (name === 'bare')
        await measure(
          'bare, not durable',
          { pid: bench.pids.bare, chat: bareChat, wholeTurns: false, history: null },
          true,
        );
      else if (peer === undefined) await measure('product', productOf(bench, client), true);
      else {
        const { url, child, stop } = await startPeer(peer, bench, folder);
        const system: MeasuredSystem = {
          pid: child.pid!,
          chat: (answer) => chatWithBare(url, answer),
          wholeTurns: true,
          history: ({ turnId }) => historyOf(client, turnId),
        };
        try {
          await measure(peer.title, system, peer.streams);
        } finally {
          await stop();
        }
      }
    }
  } finally {
    printTable(`Peers${plan === TRIAL ? ' (a trial: these figures say nothing)' : ''}`, HEAD, rows);
    await connection.close();
    await bench.stop();
    rmSync(folder, { recursive: true, force: true });
  }
  if (failed.length > 0) throw new Error(`no figures of: ${failed.join(', ')}`);
}

function productOf({ pids, ready }: BenchSystem, client: Client): MeasuredSystem {
  const sessions = new WeakMap<Reading, string>();
  return {
    pid: pids.product,
    chat: async (answer) => {
      const [session] = await makeSessions(ready, 1);
      const reading = await chatWithProduct(ready, session!, answer);
      sessions.set(reading, session!);
      return reading;
    },
    wholeTurns: true,
    history: (reading) => historyOf(client, turnWorkflowId(sessions.get(reading)!)),
  };
}

async function historyOf(client: Client, workflowId: string): Promise<{ events: number; bytes: number }> {
  const handle = client.workflow.getHandle(workflowId);
  await handle.result();
  const history = await handle.fetchHistory();
  return {
    events: history.events!.length,
    bytes: proto.temporal.api.history.v1.History.encode(history).finish().length,
  };
}
