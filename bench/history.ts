/** What a turn leaves in the Temporal history. */
import proto from '@temporalio/proto';
import { Client, Connection } from '@temporalio/client';
import { turnWorkflowId } from '../contracts/turn-workflow-id.ts';
import type { BenchSystem } from './bench-system.ts';
import { chatWithProduct, makeSessions } from './chat-reader.ts';
import { printTable, round } from './stats.ts';

const STEPS = [5, 10, 25];

export async function benchHistory(system: BenchSystem): Promise<void> {
  const connection = await Connection.connect({ address: system.ready.temporal_address });
  try {
    const client = new Client({ connection });
    const rows: string[][] = [];
    for (const steps of STEPS) {
      const [session] = await makeSessions(system.ready, 1);
      await chatWithProduct(system.ready, session!, { pieces: 20, pieceMs: 0, toolSteps: steps - 1 });
      const handle = client.workflow.getHandle(turnWorkflowId(session!));
      await handle.result();
      const history = await handle.fetchHistory();
      const bytes = proto.temporal.api.history.v1.History.encode(history).finish().length;
      const events = history.events!.length;
      rows.push([steps, events, bytes, round(events / steps), round(bytes / steps)].map(String));
    }
    printTable(
      'Temporal history of a turn',
      ['steps', 'events', 'bytes', 'events a step', 'bytes a step'],
      rows,
    );
  } finally {
    await connection.close();
  }
}
