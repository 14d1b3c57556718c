import { proxyActivities } from '@temporalio/workflow';
import { runTurn, type TurnActivities } from './turn.ts';

/** A turn without a stream. */
export async function plainTurn(message: string): Promise<string> {
  return runTurn(message, proxyActivities<TurnActivities>({ startToCloseTimeout: '1 minute' }));
}
