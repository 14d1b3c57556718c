/** What a run says of one model: counts, rates, tokens, cost and times. */
import { GROUPS } from '../cases/index.ts';
import type { Trial } from '../run-cases.ts';
import { percentile } from './measures.ts';

export interface CaseSummary {
  id: string;
  about: string;
  group: string;
  trials: number;
  passed: number;
  /** Means of a trial. */
  modelCalls: number;
  toolCalls: number;
  refused: number;
  inputTokens: number;
  outputTokens: number;
  /** Null where a model has no price. */
  costUsd: number | null;
  /** Means of a trial. */
  ms: number;
  /** Of all trials, each once. */
  faults: string[];
}

export interface Summary {
  name: string;
  cases: CaseSummary[];
  trials: number;
  /** The share of trials that passed. */
  passAt1: number;
  /** The share of cases whose every trial passed. */
  passAll: number;
  /** The share of cases of which one trial passed. */
  passAny: number;
  modelCalls: number;
  toolCalls: number;
  refused: number;
  inputTokens: number;
  cachedTokens: number;
  outputTokens: number;
  costUsd: number | null;
  /** Of a turn. */
  p50Ms: number;
  p95Ms: number;
}

/** Sums the trials of one model up. */
export function summarize(name: string, trials: readonly Trial[]): Summary {
  const groups = Object.entries(GROUPS);
  const byCase = Map.groupBy(trials, (trial) => trial.case.id);
  const cases = [...byCase.values()].map((list): CaseSummary => {
    const { id, about } = list[0]!.case;
    const sum = total(list);
    const mean = (value: number): number => value / list.length;
    return {
      id,
      about,
      group: groups.find(([, members]) => members.some((member) => member.id === id))![0],
      trials: list.length,
      passed: list.filter(hasPassed).length,
      modelCalls: mean(sum.modelCalls),
      toolCalls: mean(sum.toolCalls),
      refused: mean(sum.refused),
      inputTokens: mean(sum.inputTokens),
      outputTokens: mean(sum.outputTokens),
      costUsd: sum.costUsd === null ? null : mean(sum.costUsd),
      ms: mean(list.reduce((ms, trial) => ms + trial.ms, 0)),
      faults: [
        ...new Set(list.flatMap(({ faults }) => faults.map(({ check, fault }) => `${check}: ${fault}`))),
      ],
    };
  });
  const share = (part: number, of: number): number => (of === 0 ? 0 : part / of);
  const turns = trials.flatMap(({ outcome }) => outcome?.turns ?? []).map(({ ms }) => ms);
  return {
    name,
    cases,
    trials: trials.length,
    passAt1: share(trials.filter(hasPassed).length, trials.length),
    passAll: share(cases.filter((one) => one.passed === one.trials).length, cases.length),
    passAny: share(cases.filter((one) => one.passed > 0).length, cases.length),
    ...total(trials),
    p50Ms: percentile(turns, 50),
    p95Ms: percentile(turns, 95),
  };
}

function hasPassed({ faults }: Trial): boolean {
  return faults.length === 0;
}

function total(trials: readonly Trial[]) {
  const turns = trials.flatMap(({ outcome }) => outcome?.turns ?? []);
  const calls = turns.flatMap((turn) => turn.calls);
  const usages = turns.flatMap(({ usage }) => (usage === null ? [] : [usage]));
  const sum = (of: (usage: (typeof usages)[number]) => number): number =>
    usages.reduce((all, usage) => all + of(usage), 0);
  return {
    modelCalls: sum((usage) => usage.calls),
    toolCalls: calls.length,
    refused: calls.filter(({ isError }) => isError).length,
    inputTokens: sum((usage) => usage.input_tokens),
    cachedTokens: sum((usage) => usage.cached_tokens),
    outputTokens: sum((usage) => usage.output_tokens),
    costUsd: usages.some((usage) => usage.cost_usd === null) ? null : sum((usage) => Number(usage.cost_usd)),
  };
}
