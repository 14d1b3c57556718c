import type { StoreApi } from 'zustand';
import type { Studio } from './studio.ts';

/**
 * Until it is known which conversation is open, and its messages are loaded. The state is looked at once an action has made
 * all of its changes: between two of them it may look settled.
 */
export async function untilSettled(api: StoreApi<Studio>): Promise<void> {
  while (!isSettled(api.getState()))
    await new Promise<void>((resolve) => {
      const end = api.subscribe(() => {
        end();
        resolve();
      });
    });
}

function isSettled({ workflowState, messagesState }: Studio): boolean {
  return workflowState !== 'loading' && messagesState !== 'loading';
}
