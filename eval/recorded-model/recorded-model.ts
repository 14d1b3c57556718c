/**
 * A model that says what was recorded: a server of the Responses API, to which the service is pointed. It keeps what each
 * request showed to the model.
 */
import { countWith } from '../../llm/context/count-tokens.ts';
import {
  type FakeProvider,
  type FakeRequest,
  type Script,
  startFakeProvider,
} from '../../test/support/fake-provider.ts';
import { readRecording, type Recording, stepFor } from './recording.ts';
import { readRequest, type SeenRequest } from './request.ts';
import { addedItems, countTokens, renderSeen, type SeenCall } from './seen.ts';
import { createSteadyText, type SteadyText } from './steady-text.ts';

/** What the model saw of a case. */
export interface SeenCase {
  calls: readonly SeenCall[];
  /** For a reader. */
  text: string;
  /** The system text and the tools of the last call. */
  request: SeenRequest | null;
  /** Requests for which the recording has no answer. */
  faults: readonly string[];
}

export interface RecordedModel {
  /** For OPENAI_BASE_URL. */
  url: string;
  /** Begins a case. All requests until `seen` belong to it. */
  begin(caseId: string): void;
  /** The number of the turn that begins, from 0. */
  onTurn(index: number): void;
  seen(title: string): SeenCase;
  close(): Promise<void>;
}

/** The id of an asset that a call of the turn made: `{{id of call 1}}` in recorded arguments. */
const ID_OF_CALL = /\{\{id of call (\d+)\}\}/g;

/** Starts the server. */
export async function startRecordedModel(): Promise<RecordedModel> {
  const count = await countWith('o200k_base', 1);
  let recording: Recording = { turns: [] };
  let steady: SteadyText = createSteadyText(new Date());
  let turn = 0;
  let calls: SeenCall[] = [];
  let faults: string[] = [];
  let last: { turn: number; request: SeenRequest } | null = null;

  const answer = ({ body, toolResults }: FakeRequest): Script => {
    const request = readRequest(body);
    const tokens = countTokens(request, count, steady);
    calls.push({ turn, tokens, added: addedItems(request, last?.turn === turn ? last.request : null) });
    last = { turn, request };
    const input = tokens.system + tokens.tools + tokens.conversation;
    const found = stepFor(recording.turns[turn] ?? [], toolResults);
    if (!found) {
      faults.push(`turn ${turn + 1} has no recorded answer after ${toolResults} results`);
      return { text: ['(nothing is recorded)'], usage: { input, output: 1 } };
    }
    const { text = '', calls: asked = [] } = found.step;
    const toolCalls = asked.map((call, index) => ({
      id: `call_${turn}_${found.at}_${index}`,
      name: call.name,
      arguments: withIds(JSON.stringify(call.arguments), request),
    }));
    const output = toolCalls.reduce(
      (sum, call) => sum + count(call.name) + count(call.arguments),
      count(text),
    );
    return { ...(text === '' ? {} : { text: [text] }), toolCalls, usage: { input, output } };
  };
  const server: FakeProvider = await startFakeProvider(answer);
  return {
    url: server.url,
    begin(caseId) {
      recording = readRecording(caseId);
      steady = createSteadyText(new Date());
      [turn, calls, faults, last] = [0, [], [], null];
      server.requests.length = 0;
      server.refusals.length = 0;
    },
    onTurn: (index) => void (turn = index),
    seen: (title) => ({
      calls,
      text: renderSeen(title, calls, steady),
      request: last?.request ?? null,
      faults: [...faults, ...server.refusals.map((reason) => `a real provider would refuse this: ${reason}`)],
    }),
    close: () => server.close(),
  };
}

/** Arguments with the ids that earlier calls of the turn gave. */
function withIds(args: string, { items }: SeenRequest): string {
  const results = items.filter(({ kind }) => kind === 'result');
  return args.replace(ID_OF_CALL, (found, n: string) => {
    const result = results[Number(n) - 1]?.text ?? '';
    return /"id": ?"([^"]+)"/.exec(result)?.[1] ?? found;
  });
}
