/** The bodies of transcript rows: model answers and tool results, as they are stored and as they are sent back. */
import { createHash } from 'node:crypto';
import { STEP_SEPARATOR } from '../../contracts/names.ts';
import { canonicalJson } from '../../domain/text/canonical-json.ts';
import { parseJsonObject } from '../../domain/text/json.ts';
import type { ModelMessage, ModelToolCall, OpaqueParts } from '../../llm/types.ts';

export interface AssistantBody {
  content: string;
  toolCalls: ModelToolCall[];
  opaque: OpaqueParts | null;
  finish: 'stop' | 'tool_calls' | 'length' | 'refusal';
  /** A message of ours to the model. It follows the results of the answer's calls. */
  note?: string;
  inputTokens: number;
  outputTokens: number;
}

export interface ToolBody {
  callId: string;
  name: string;
  content: string;
  isError: boolean;
  /** Equal for equal results. */
  hash?: string;
  preview: string;
}

interface Entry {
  step: number;
  role: 'assistant' | 'tool';
  body: string;
}

/** The separator between the text so far and a step's text; empty when the step continues an answer that was cut. */
export function separatorBefore(entries: readonly Entry[], step: number): string {
  return separatorAfterAnswers(answersBefore(entries, step));
}

function separatorAfterAnswers(answers: readonly AssistantBody[]): string {
  const last = answers.findLast(({ content }) => content !== '');
  if (!last) return '';
  return last.finish === 'length' && last === answers.at(-1) && last.toolCalls.length === 0
    ? ''
    : STEP_SEPARATOR;
}

/** The texts of all answers before `step`, joined as the stream joins them. */
export function textBeforeStep(entries: readonly Entry[], step: number): string {
  return answersBefore(entries, step).reduce(
    (text, { content }, index, answers) =>
      content === '' ? text : text + separatorAfterAnswers(answers.slice(0, index)) + content,
    '',
  );
}

function answersBefore(entries: readonly Entry[], step: number): AssistantBody[] {
  return entries
    .filter((entry) => entry.role === 'assistant' && entry.step < step)
    .map((entry) => JSON.parse(entry.body) as AssistantBody);
}

/**
 * Model messages from transcript rows in order. `wrap` fences a tool's result as data. A note follows the results of its
 * answer's calls.
 */
export function toModelMessages(
  entries: readonly Entry[],
  wrap: (result: ToolBody) => string,
): ModelMessage[] {
  const messages: ModelMessage[] = [];
  let note: string | undefined;
  const putNote = (): void => {
    if (note !== undefined) messages.push({ role: 'user', content: note });
    note = undefined;
  };
  for (const entry of entries) {
    if (entry.role === 'tool') {
      const result = JSON.parse(entry.body) as ToolBody;
      messages.push({
        role: 'tool',
        callId: result.callId,
        content: wrap(result),
        isError: result.isError,
      });
      continue;
    }
    putNote();
    const { content, toolCalls, opaque, note: next } = JSON.parse(entry.body) as AssistantBody;
    // Some providers refuse an answer without content, and it tells a model nothing.
    if (content !== '' || toolCalls.length > 0)
      messages.push({ role: 'assistant', content, toolCalls, opaque });
    note = next;
  }
  putNote();
  return messages;
}

/** Makes call ids unique in the turn and safe in keys and URLs. Some servers use the same ids in every answer. */
export function uniqueCallIds(
  calls: readonly ModelToolCall[],
  used: ReadonlySet<string>,
  step: number,
): ModelToolCall[] {
  const taken = new Set(used);
  return calls.map((call, index) => {
    let callId = call.callId.replace(/[^a-zA-Z0-9_-]/g, '_').slice(0, 56) || `call_${index}`;
    // The model may have given the new id to another call.
    for (let place = index; taken.has(callId); place += calls.length)
      callId = `${callId.slice(0, 40)}_s${step}_${place}`;
    taken.add(callId);
    return { ...call, callId };
  });
}

/** A short hash that is equal for equal arguments, whatever their key order or white space. */
export function hashArguments(text: string): string {
  const parsed = parseJsonObject(text);
  return createHash('sha256')
    .update(parsed === null ? text : canonicalJson(parsed))
    .digest('hex')
    .slice(0, 16);
}
