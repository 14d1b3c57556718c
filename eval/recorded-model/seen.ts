/** What a model saw in a case: the tokens of each call, and what each call added to the conversation. */
import { createHash } from 'node:crypto';
import type { CountText } from '../../llm/context/count-tokens.ts';
import type { SeenItem, SeenRequest } from './request.ts';
import type { SteadyText } from './steady-text.ts';

/** A longer text is cut for the reader, who then sees its length and a digest of the whole. */
const SHOWN_CHARS = 900;

/** The tokens of one request, as o200k_base counts them. */
export interface CallTokens {
  system: number;
  tools: number;
  conversation: number;
}

export interface SeenCall {
  turn: number;
  tokens: CallTokens;
  /** What this call has and the call before it in the turn had not, without what the model itself said. */
  added: readonly SeenItem[];
}

/** Counts a request. */
export function countTokens(
  { system, tools, items }: SeenRequest,
  count: CountText,
  steady: SteadyText,
): CallTokens {
  return {
    system: count(steady.toCount(system)),
    tools: tools.length === 0 ? 0 : count(JSON.stringify(tools)),
    conversation: items.reduce((sum, { of, text }) => sum + count(of) + count(steady.toCount(text)), 0),
  };
}

/** What a request adds to the one before it in its turn. */
export function addedItems(request: SeenRequest, before: SeenRequest | null): SeenItem[] {
  return request.items
    .slice(before?.items.length ?? 0)
    .filter(({ kind, of }) => kind !== 'call' && !(before !== null && of === 'assistant'));
}

/** The text of a case's snapshot. */
export function renderSeen(title: string, calls: readonly SeenCall[], steady: SteadyText): string {
  const lines = [title];
  let turn = -1;
  for (const [index, call] of calls.entries()) {
    if (call.turn !== turn) lines.push('', `== turn ${call.turn + 1}`);
    turn = call.turn;
    const { system, tools, conversation } = call.tokens;
    lines.push(
      '',
      `-- call ${index + 1}: ${system + tools + conversation} tokens, ${conversation} of the conversation`,
    );
    for (const { kind, of, text } of call.added)
      lines.push(
        kind === 'result' ? `result of ${of}:` : `${of}:`,
        indent(shorten(inLines(steady.toRead(text)))),
      );
  }
  return `${lines.join('\n')}\n`;
}

/** Puts the parts of JSON into lines of their own, so that a change of one part is a change of one line. */
function inLines(text: string): string {
  return text.replaceAll(/(?<=[}\]]),(?=["[{])/g, ',\n');
}

function shorten(text: string): string {
  if (text.length <= SHOWN_CHARS) return text;
  const digest = createHash('sha256').update(text).digest('hex').slice(0, 12);
  return `${text.slice(0, SHOWN_CHARS)}\n... ${text.length - SHOWN_CHARS} more characters, sha256 ${digest}`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}
