/** The report of a run, as Markdown for a person and as JSON for the next run. */
import { z } from 'zod';
import type { CaseSummary, Summary } from './summary.ts';

const caseSummary = z.object({
  id: z.string(),
  about: z.string(),
  group: z.string(),
  trials: z.int(),
  passed: z.int(),
  modelCalls: z.number(),
  toolCalls: z.number(),
  refused: z.number(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  costUsd: z.number().nullable(),
  ms: z.number(),
  faults: z.array(z.string()),
}) satisfies z.ZodType<CaseSummary>;
const summary = z.object({
  name: z.string(),
  cases: z.array(caseSummary),
  trials: z.int(),
  passAt1: z.number(),
  passAll: z.number(),
  passAny: z.number(),
  modelCalls: z.number(),
  toolCalls: z.number(),
  refused: z.number(),
  inputTokens: z.number(),
  cachedTokens: z.number(),
  outputTokens: z.number(),
  costUsd: z.number().nullable(),
  p50Ms: z.number(),
  p95Ms: z.number(),
}) satisfies z.ZodType<Summary>;
const report = z.object({ at: z.string(), summaries: z.array(summary) });

export type Report = z.infer<typeof report>;

/** Reads a report.json. Throws an Error that says what is wrong with it. */
export function parseReport(text: string): Report {
  return report.parse(JSON.parse(text));
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
const money = (usd: number | null): string => (usd === null ? 'no price' : `$${usd.toFixed(4)}`);
const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').slice(0, 400);

/** The figures of each model, a row for each figure and a column for each model. */
const FIGURES: [name: string, of: (summary: Summary) => string][] = [
  ['pass at 1', ({ passAt1 }) => percent(passAt1)],
  ['cases that pass in every trial', ({ passAll }) => percent(passAll)],
  ['cases that pass in one trial at least', ({ passAny }) => percent(passAny)],
  ['trials', ({ trials }) => whole(trials)],
  ['model calls', ({ modelCalls }) => whole(modelCalls)],
  ['tool calls', ({ toolCalls }) => whole(toolCalls)],
  ['refused calls', ({ refused }) => whole(refused)],
  ['input tokens', ({ inputTokens }) => whole(inputTokens)],
  ['of them cached', ({ cachedTokens }) => whole(cachedTokens)],
  ['output tokens', ({ outputTokens }) => whole(outputTokens)],
  ['cost', ({ costUsd }) => money(costUsd)],
  ['a turn, p50', ({ p50Ms }) => seconds(p50Ms)],
  ['a turn, p95', ({ p95Ms }) => seconds(p95Ms)],
];

/** What a person reads first: the figures, the groups, and what failed. */
export function renderFigures({ summaries }: Report): string {
  const head = headOf(summaries);
  const groups = [...new Set(summaries.flatMap(({ cases }) => cases.map(({ group }) => group)))];
  const failed = idsOf(summaries).flatMap((id) =>
    summaries.flatMap((of) => (find(of, id)?.faults ?? []).map((fault) => line([id, of.name, cell(fault)]))),
  );
  return [
    ...head('figure'),
    ...FIGURES.map(([name, of]) => line([name, ...summaries.map(of)])),
    '',
    ...head('passed trials'),
    ...groups.map((group) => line([group, ...summaries.map((of) => passedOf(of, group))])),
    ...(failed.length === 0
      ? []
      : ['', line(['failed case', 'model', 'check']), line(['---', '---', '---']), ...failed]),
  ].join('\n');
}

/** The whole report. */
export function renderReport(report: Report): string {
  const { at, summaries } = report;
  return [
    `# Eval, ${at}`,
    '',
    renderFigures(report),
    '',
    ...headOf(summaries)('case'),
    ...idsOf(summaries).map((id) => line([id, ...summaries.map((of) => brief(find(of, id)))])),
    '',
  ].join('\n');
}

function headOf(summaries: readonly Summary[]): (first: string) => string[] {
  const names = summaries.map(({ name }) => name);
  return (first) => [line([first, ...names]), line([first, ...names].map(() => '---'))];
}

function idsOf(summaries: readonly Summary[]): string[] {
  return [...new Set(summaries.flatMap(({ cases }) => cases.map(({ id }) => id)))];
}

function find({ cases }: Summary, id: string): CaseSummary | undefined {
  return cases.find((one) => one.id === id);
}

function passedOf({ cases }: Summary, group: string): string {
  const members = cases.filter((one) => one.group === group);
  const sum = (of: (one: CaseSummary) => number): number => members.reduce((all, one) => all + of(one), 0);
  return `${sum(({ passed }) => passed)} of ${sum(({ trials }) => trials)}`;
}

function brief(one: CaseSummary | undefined): string {
  if (one === undefined) return 'not run';
  const { passed, trials, modelCalls, refused, inputTokens, costUsd, ms } = one;
  return `${passed} of ${trials}; ${modelCalls.toFixed(1)} calls, ${refused.toFixed(1)} refused, ${whole(inputTokens)} tokens, ${money(costUsd)}, ${seconds(ms)}`;
}
