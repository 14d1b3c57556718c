import { Agent } from '@openai/agents-core';
import { activityAsTool, TemporalOpenAIRunner } from '@temporalio/openai-agents/workflow';
import { condition, defineSignal, setHandler } from '@temporalio/workflow';
import { WorkflowStream } from '@temporalio/workflow-streams/workflow';

export const ALL_RECEIVED = 'allReceived';

/** A run of an agent with two tools. It waits until the subscriber has everything. */
export async function agentTurn(message: string): Promise<string> {
  const stream = new WorkflowStream();
  let received = false;
  setHandler(defineSignal(ALL_RECEIVED), () => void (received = true));
  const agent = new Agent({
    name: 'Bench',
    instructions: 'Use the tools.',
    model: 'gpt-5.2',
    tools: ['modify_workflow', 'get_block_info'].map((name) =>
      activityAsTool<(input: unknown) => Promise<string>>(
        {
          name,
          description: 'A tool of the benchmark.',
          parameters: { type: 'object', properties: {}, required: [], additionalProperties: true },
        },
        { startToCloseTimeout: '1 minute', strict: false },
      ),
    ),
  });
  const result = await new TemporalOpenAIRunner().run(agent, message, { stream: true });
  // The subscriber shows the events. The workflow only drives the run to its end.
  for await (const _ of result);
  await result.completed;
  stream.topic('close').publish({});
  await condition(() => received, '30 seconds');
  return result.finalOutput ?? '';
}
