/**
 * The hand-written floor: a workflow with an activity for each model call and tool call, and nothing else. No database and no
 * stream: the front waits for the workflow's result, so that the whole answer comes at once.
 */
import { streamAnswer, toolResult } from './model.ts';
import { runProgram } from './temporal.ts';
import type { Step, TurnActivities } from './turn.ts';
import type { plainTurn } from './plain-temporal-workflow.ts';

const activities: TurnActivities = {
  async callModel(conversation): Promise<Step> {
    const answer = streamAnswer(conversation);
    for (;;) {
      const { done, value } = await answer.next();
      if (done) return value;
    }
  },
  callTool: ({ name }) => Promise.resolve(toolResult(name)),
};

await runProgram({
  name: 'plain-temporal',
  activities: { ...activities },
  async startTurn(client, message, ids) {
    const handle = await client.workflow.start<typeof plainTurn>('plainTurn', { args: [message], ...ids });
    return (async function* () {
      yield await handle.result();
    })();
  },
});
