/**
 * @temporalio/openai-agents as its documentation streams an agent's run: the plugin's model activity publishes the model's
 * events to the turn's workflow, tools are activities, the front subscribes.
 */
import { OpenAIProvider } from '@openai/agents-openai';
import { setTracingDisabled, type StreamEvent } from '@openai/agents-core';
import { defaultPayloadConverter } from '@temporalio/common';
import { OpenAIAgentsPlugin } from '@temporalio/openai-agents';
import { WorkflowStreamClient } from '@temporalio/workflow-streams/client';
import { TOOL_NAMES, toolResult } from './model.ts';
import { ALL_RECEIVED, type agentTurn } from './openai-agents-workflow.ts';
import { pollCooldown, streamingBatchInterval } from './settings.ts';
import { runProgram } from './temporal.ts';

const STREAM = 'model-stream';

// Without an exporter, the Agents SDK would print every span to the console.
setTracingDisabled(true);

await runProgram({
  name: 'openai-agents',
  activities: Object.fromEntries(TOOL_NAMES.map((name) => [name, () => Promise.resolve(toolResult(name))])),
  plugins: [
    new OpenAIAgentsPlugin({
      modelProvider: new OpenAIProvider({ apiKey: 'none', baseURL: process.env.OPENAI_BASE_URL }),
      modelParams: { startToCloseTimeout: '1 minute', streamingTopic: STREAM, streamingBatchInterval },
    }),
  ],
  async startTurn(client, message, ids) {
    const handle = await client.workflow.start<typeof agentTurn>('agentTurn', { args: [message], ...ids });
    const stream = WorkflowStreamClient.create(client, ids.workflowId);
    return (async function* () {
      for await (const item of stream.subscribe([STREAM, 'close'], 0, { pollCooldown })) {
        if (item.topic === 'close') {
          await handle.signal(ALL_RECEIVED);
          return;
        }
        const event = defaultPayloadConverter.fromPayload<StreamEvent>(item.data);
        if (event.type === 'output_text_delta') yield event.delta;
      }
      throw new Error('the workflow ended before its text did');
    })();
  },
});
