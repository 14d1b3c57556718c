import type { ReadyFile } from '../stack/data-folder.ts';

/** Prints the addresses, the link to the page, the key, and a request that can be pasted into a shell. */
export function printReady(ready: ReadyFile, studio?: string): void {
  const { url, key } = ready;
  const lines = [
    url === undefined ? 'The stack is ready.' : `The copilot is ready: ${url}`,
    ...(studio === undefined ? [] : [`Studio:               ${studio}`]),
    ...(ready.temporal_ui === null ? [] : [`Temporal UI:          ${ready.temporal_ui}`]),
    ...(url === undefined ? [`Temporal:             ${ready.temporal_address}`] : []),
    `Service key:          ${key}`,
  ];
  if (url !== undefined && ready.workflow_id !== null) {
    lines.push('', 'Paste this into another terminal:', '', sampleRequest(url, key, ready.workflow_id));
  }
  if (url === undefined) lines.push('', 'Start the roles in other terminals: npm run worker, npm run api');
  console.log(`\n${lines.join('\n')}\n`);
}

/** A shell script (sh and curl) that creates a session of the sample workflow and starts a turn in it. */
export function sampleRequest(url: string, key: string, workflowId: string): string {
  return `KEY=${key}
SESSION=$(curl -s ${url}/api/copilot/sessions -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"workflow_id":"${workflowId}"}' | sed 's/.*"id":"\\([^"]*\\)","workflow_id.*/\\1/')
curl -N ${url}/api/copilot/sessions/$SESSION/chat -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '{"message":"Add a step that sends Slack notifications when the run finishes"}'`;
}
