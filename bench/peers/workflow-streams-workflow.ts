import { condition, defineSignal, proxyActivities, setHandler } from '@temporalio/workflow';
import { WorkflowStream } from '@temporalio/workflow-streams/workflow';
import { runTurn, type TurnActivities } from './turn.ts';

export const ALL_RECEIVED = 'allReceived';

export interface Delta {
  text: string;
}

/** A turn whose activities publish to its stream. It waits until the subscriber has everything. */
export async function streamedTurn(message: string): Promise<string> {
  const stream = new WorkflowStream();
  let received = false;
  setHandler(defineSignal(ALL_RECEIVED), () => void (received = true));
  const text = await runTurn(message, proxyActivities<TurnActivities>({ startToCloseTimeout: '1 minute' }));
  stream.topic('close').publish({});
  await condition(() => received, '30 seconds');
  return text;
}
