/** The command line of the eval, the choice of models, and the report. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EvalCase, Outcome } from '../../../eval/case.ts';
import { createBudget } from '../../../eval/budget.ts';
import { CASES } from '../../../eval/cases/index.ts';
import { chooseVariants } from '../../../eval/choose-variants.ts';
import { readOptions } from '../../../eval/options.ts';
import { percentile } from '../../../eval/report/measures.ts';
import { parseReport, renderReport } from '../../../eval/report/report.ts';
import { summarize } from '../../../eval/report/summary.ts';
import type { Trial } from '../../../eval/run-cases.ts';

const KEY = { OPENAI_API_KEY: 'a-key-of-a-test' };

test('options: defaults, filters, and what is refused', () => {
  const options = readOptions([])!;
  assert.equal(options.cases.length, CASES.length);
  assert.deepEqual(
    [options.models, options.recorded, options.trials, options.parallel, options.budgetUsd],
    [[], false, 1, 4, null],
  );
  const some = readOptions([
    '--case',
    'insert-',
    '--model',
    'a',
    '--model',
    'b',
    '--trials',
    '3',
    '--budget',
    '2.5',
  ])!;
  assert.ok(some.cases.every(({ id }) => id.includes('insert-')));
  assert.deepEqual([some.models, some.trials, some.budgetUsd], [['a', 'b'], 3, 2.5]);
  const refused: [string[], RegExp][] = [
    [['--case', 'no such'], /No case has no such/],
    [['--trials', '0'], /--trials takes/],
    [['--budget', 'much'], /--budget takes/],
    [['--recorded', '--model', 'a'], /exclude each other/],
    [['--update', '--case', 'insert-'], /leave out/],
    [['--no-such'], /Unknown option[\s\S]*npm run eval/],
  ];
  for (const [args, message] of refused)
    assert.throws(() => readOptions(args), { code: 'FRIENDLY', message }, args.join(' '));
});

test('models: the named ones, the default one, or the recorded answers', () => {
  const choose = (
    models: string[],
    env: Record<string, string>,
    recorded = false,
    prompts: string[] = [],
  ): string[] => chooseVariants({ models, prompts, recorded }, env).map(({ name }) => name);
  assert.deepEqual(choose([], {}), ['recorded answers']);
  assert.deepEqual(choose([], KEY), ['gpt-5.2']);
  assert.deepEqual(choose([], KEY, true), ['recorded answers']);
  assert.deepEqual(choose(['gpt-4.1', 'o3'], KEY), ['gpt-4.1', 'o3']);
  assert.deepEqual(choose([], { ANTHROPIC_API_KEY: 'a-key-of-a-test' }), ['claude-opus-4-6']);
  assert.throws(() => choose(['gpt-9'], KEY), { code: 'FRIENDLY', message: /no model gpt-9.*gpt-5\.2/ });
  assert.throws(() => choose(['gpt-4.1'], {}), {
    code: 'FRIENDLY',
    message: /OPENAI_API_KEY.*recorded answers/,
  });
  assert.throws(() => choose(['claude-haiku-4-5'], KEY), { code: 'FRIENDLY', message: /ANTHROPIC_API_KEY/ });
  assert.deepEqual(choose(['gpt-4.1'], KEY, false, ['v1', 'v2']), [
    'gpt-4.1, prompt v1',
    'gpt-4.1, prompt v2',
  ]);
  assert.deepEqual(choose([], KEY, true, ['v1']), ['recorded answers, prompt v1']);
  assert.throws(() => choose([], {}, true, ['v0']), { code: 'CONFIG', message: /COPILOT_PROMPT_VERSION/ });
  // The recorded answers never reach a real server.
  assert.deepEqual(chooseVariants({ models: [], prompts: [], recorded: true }, KEY)[0]!.env, {});
  // Settings of a service that runs elsewhere do not reach the run.
  assert.deepEqual(choose([], { DATABASE_URL: 'no address', COPILOT_ALLOWED_ROLES: 'nobody', PORT: 'x' }), [
    'recorded answers',
  ]);
});

test('percentiles', () => {
  assert.equal(percentile([], 50), 0);
  assert.equal(percentile([3], 95), 3);
  assert.equal(percentile([4, 1, 3, 2], 50), 2);
  assert.equal(percentile([4, 1, 3, 2], 95), 4);
});

test('a report counts trials and cases, and survives its JSON', () => {
  const [one, two] = CASES as [EvalCase, EvalCase];
  const outcome = (refused: boolean, cost: string | null): Outcome => ({
    before: one.graph,
    after: one.graph,
    assets: { agents: [], knowledgeBases: [], orchestrations: [], workflows: [] },
    turns: [
      {
        before: one.graph,
        proposed: one.graph,
        answer: 'Fine.',
        calls: [{ name: 'get_block_info', arguments: {}, result: '', isError: refused }],
        questions: [],
        diff: null,
        stopReason: 'done',
        error: null,
        streamFaults: [],
        ms: 1_000,
        usage: {
          calls: 2,
          input_tokens: 100,
          cached_tokens: 40,
          output_tokens: 7,
          reasoning_tokens: 0,
          cost_usd: cost,
        },
      },
    ],
  });
  const trial = (of: EvalCase, n: number, passed: boolean, cost: string | null = '0.25'): Trial => ({
    case: of,
    trial: n,
    outcome: outcome(!passed, cost),
    faults: passed ? [] : [{ check: 'a | check', fault: 'why' }],
    seen: null,
    ms: 2_000,
  });
  const summary = summarize('some model', [
    trial(one, 1, true),
    trial(one, 2, false),
    trial(two, 1, true),
    trial(two, 2, true),
  ]);
  assert.deepEqual([summary.passAt1, summary.passAll, summary.passAny], [0.75, 0.5, 1]);
  assert.deepEqual([summary.modelCalls, summary.toolCalls, summary.refused], [8, 4, 1]);
  assert.deepEqual([summary.inputTokens, summary.cachedTokens, summary.outputTokens], [400, 160, 28]);
  assert.deepEqual([summary.costUsd, summary.p50Ms, summary.p95Ms], [1, 1_000, 1_000]);
  assert.equal(summarize('free', [trial(one, 1, true, null)]).costUsd, null);

  const report = { at: '2026-11-25T12:00:00.000Z', summaries: [summary, { ...summary, name: 'another' }] };
  assert.deepEqual(parseReport(JSON.stringify(report)), report);
  const text = renderReport(report);
  assert.match(text, /\| figure \| some model \| another \|/);
  assert.match(text, /\| pass at 1 \| 75\.0 % \| 75\.0 % \|/);
  assert.match(text, /\| cost \| \$1\.0000 \|/);
  assert.ok(text.includes(`| ${one.id} | some model | a \\| check: why |`));
  assert.throws(() => parseReport('{"summaries":[]}'));
});

test('a budget counts the trials that have a price, whatever the others are', () => {
  const budget = createBudget(5);
  for (const costUsd of [2, null, 2.5]) budget.add(costUsd);
  assert.deepEqual([budget.spentUsd(), budget.isSpent()], [4.5, false]);
  budget.add(0.5);
  assert.equal(budget.isSpent(), true);
  const unlimited = createBudget(null);
  unlimited.add(1_000);
  assert.equal(unlimited.isSpent(), false);
});
