/** What the cases cost on their recorded answers: tokens and model calls. The table of eval/README.md. */
import { GROUPS } from '../cases/index.ts';
import type { SeenCall } from '../recorded-model/seen.ts';
import type { Trial } from '../run-cases.ts';

const number = (value: number): string => Math.round(value).toLocaleString('en-US');

/** The tokens that a call sends to the model. */
export function inputTokens({ tokens: { system, tools, conversation } }: SeenCall): number {
  return system + tools + conversation;
}

/** The middle value; 0 of none. */
export function median(values: readonly number[]): number {
  return percentile(values, 50);
}

/** The smallest value that so many per cent of the values do not exceed; 0 of none. */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)] ?? 0;
}

/** The table, as Markdown. */
export function renderMeasures(trials: readonly Trial[]): string {
  const callsOf = (ids: readonly string[]): SeenCall[][] =>
    trials.filter((trial) => ids.includes(trial.case.id)).map(({ seen }) => [...(seen?.calls ?? [])]);
  const row = (name: string, cases: readonly SeenCall[][]): string => {
    const calls = cases.flat();
    const perCase = cases.map((list) => list.reduce((sum, call) => sum + inputTokens(call), 0));
    const own = calls.reduce((sum, call) => sum + call.tokens.conversation, 0);
    const all = perCase.reduce((sum, tokens) => sum + tokens, 0);
    return `| ${[name, cases.length, calls.length, number(all), number(own), number(median(perCase))].join(' | ')} |`;
  };
  const [first] = trials.flatMap(({ seen }) => seen?.calls ?? []);
  return [
    `System text: ${number(first?.tokens.system ?? 0)} tokens. Tools: ${number(first?.tokens.tools ?? 0)} tokens. Every call has both.`,
    '',
    '| cases | number | model calls | input tokens | of the conversation | of a case, median |',
    '| --- | --- | --- | --- | --- | --- |',
    ...Object.entries(GROUPS).map(([name, cases]) => row(name, callsOf(cases.map(({ id }) => id)))),
    row('all', callsOf(trials.map((trial) => trial.case.id))),
  ].join('\n');
}
