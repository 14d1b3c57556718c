/**
 * @temporalio/workflow-streams as its documentation streams a model's text: the activity publishes the pieces to the turn's
 * workflow, the front subscribes, and the workflow ends when the front has all. Each piece is flushed at once.
 */
import { Context } from '@temporalio/activity';
import { defaultPayloadConverter } from '@temporalio/common';
import { WorkflowStreamClient } from '@temporalio/workflow-streams/client';
import { streamAnswer, toolResult } from './model.ts';
import { pollCooldown } from './settings.ts';
import { runProgram } from './temporal.ts';
import type { Step, TurnActivities } from './turn.ts';
import { ALL_RECEIVED, type Delta, type streamedTurn } from './workflow-streams-workflow.ts';

const activities: TurnActivities = {
  async callModel(conversation): Promise<Step> {
    await using stream = WorkflowStreamClient.fromWithinActivity();
    const { attempt } = Context.current().info;
    if (attempt > 1) stream.topic<{ attempt: number }>('retry').publish({ attempt }, { forceFlush: true });
    const deltas = stream.topic<Delta>('delta');
    const answer = streamAnswer(conversation);
    for (;;) {
      const { done, value } = await answer.next();
      if (done) return value;
      deltas.publish({ text: value }, { forceFlush: true });
    }
  },
  callTool: ({ name }) => Promise.resolve(toolResult(name)),
};

await runProgram({
  name: 'workflow-streams',
  activities: { ...activities },
  async startTurn(client, message, ids) {
    const handle = await client.workflow.start<typeof streamedTurn>('streamedTurn', {
      args: [message],
      ...ids,
    });
    const stream = WorkflowStreamClient.create(client, ids.workflowId);
    return (async function* () {
      for await (const item of stream.subscribe(['delta', 'retry', 'close'], 0, { pollCooldown })) {
        if (item.topic === 'delta') yield defaultPayloadConverter.fromPayload<Delta>(item.data).text;
        if (item.topic === 'retry') yield null;
        if (item.topic === 'close') {
          await handle.signal(ALL_RECEIVED);
          return;
        }
      }
      throw new Error('the workflow ended before its text did');
    })();
  },
});
