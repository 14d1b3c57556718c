/**
 * The model server of the benchmarks, in a process of its own. What it answers stands in the message it is asked with,
 * as JSON: see Answer. Prints its address.
 */
import { setFlagsFromString } from 'node:v8';
import { type FakeRequest, type Script, startFakeProvider } from '../test/support/fake-provider.ts';
import { sharedClockMs } from './stats.ts';

export interface Answer {
  /** Pieces of text in each answer. */
  pieces: number;
  /** Between two pieces. */
  pieceMs: number;
  /** Answers before the last that hold a tool call each. */
  toolSteps: number;
  /** The first answer asks to create an agent of this name, which a person decides. */
  asksFor?: string;
}

/** A piece that says when it was sent: it is made when the server writes it, not when the script is. */
const stampedPiece = (): string => `@${sharedClockMs().toFixed(3)};`;

function script({ message, toolResults }: FakeRequest): Script {
  const answer = JSON.parse(message) as Answer;
  const text = Array.from({ length: answer.pieces }, () => stampedPiece);
  const usage = { input: 1_000, output: answer.pieces };
  if (answer.asksFor !== undefined && toolResults === 0) {
    const data = { name: answer.asksFor, model: 'gpt-4.1' };
    const call = { name: 'manage_project_asset', arguments: { action: 'create', kind: 'agent', data } };
    return { text, pieceMs: answer.pieceMs, usage, toolCalls: [call] };
  }
  if (toolResults >= answer.toolSteps) return { text, pieceMs: answer.pieceMs, usage };
  const call =
    toolResults % 2 === 0
      ? {
          name: 'modify_workflow',
          arguments: {
            add_blocks: [{ type: 'code', name: `Made ${toolResults}`, config: { code: 'output = 1' } }],
          },
        }
      : {
          name: 'get_block_info',
          arguments: { block_types: [toolResults % 4 === 1 ? 'condition' : 'general_api'] },
        };
  return { text, pieceMs: answer.pieceMs, usage, toolCalls: [call] };
}

// The server must not be what is measured: no long pauses for its young generation.
setFlagsFromString('--max-semi-space-size=64');
const fake = await startFakeProvider((request) => {
  // It keeps every request for tests; here they would only fill the memory.
  if (fake.requests.length > 1_000) fake.requests.length = 0;
  return script(request);
});
console.log(`listening on ${fake.url}`);
