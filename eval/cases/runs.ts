/** Past runs: why one failed, and what to change. */
import type { EvalCase, RunFixture } from '../case.ts';
import { config, NO_CHANGE, othersUntouched } from '../checks/graph.ts';
import { textOf } from '../checks/graph-facts.ts';
import { called, mentions, refusedAtMost } from '../checks/talk.ts';
import { TRIAGE, WEEKLY } from '../project/graphs.ts';

const RATES = { base: 'EUR', rates: { GBP: 0.86, USD: 1.08 } };

const GOOD: RunFixture = {
  status: 'completed',
  at: '2026-04-06T05:00:00Z',
  input: {},
  output: { usd: 1080 },
  blocks: [
    { name: 'Every Monday', status: 'success' },
    { name: 'Fetch Rates', status: 'success', output: { status_code: 200, output: RATES } },
    { name: 'Convert', status: 'success', input: { 'Fetch Rates': RATES }, output: { usd: 1080 } },
    { name: 'Report', status: 'success', output: { usd: 1080 } },
  ],
};

/** The rates have no dollar. */
const NO_DOLLAR: RunFixture = {
  status: 'failed',
  at: '2026-04-13T05:00:00Z',
  input: {},
  error: 'Block "Convert" failed: KeyError: \'USD\'',
  blocks: [
    { name: 'Every Monday', status: 'success' },
    {
      name: 'Fetch Rates',
      status: 'success',
      output: { status_code: 200, output: { base: 'EUR', rates: { GBP: 0.86 } } },
    },
    { name: 'Convert', status: 'error', error: "KeyError: 'USD' (line 2)" },
    { name: 'Report', status: 'skipped' },
  ],
};

const MOVED: RunFixture = {
  status: 'failed',
  at: '2026-04-13T05:00:00Z',
  input: {},
  error: 'Block "Fetch Rates" failed: HTTP 410',
  blocks: [
    { name: 'Every Monday', status: 'success' },
    {
      name: 'Fetch Rates',
      status: 'error',
      error: 'HTTP 410',
      output: {
        status_code: 410,
        output: { error: 'This address is gone. Use https://rates.shop.test/v2/latest?base=EUR' },
      },
    },
    { name: 'Convert', status: 'skipped' },
    { name: 'Report', status: 'skipped' },
  ],
};

const RATE_LIMITED: RunFixture = {
  status: 'failed',
  at: '2026-04-13T05:00:00Z',
  input: { order_id: '42' },
  error: 'Block "Summarise" failed: the model was rate limited',
  blocks: [
    { name: 'Start', status: 'success', output: { order_id: '42' } },
    { name: 'Load Order', status: 'success', output: { id: 42, status: 'open', total: 812.5 } },
    { name: 'Large Order', status: 'success' },
    { name: 'Summarise', status: 'error', error: 'Rate limit reached for gpt-5.2: gave up after 3 attempts' },
    { name: 'Reply', status: 'skipped' },
  ],
};

export const runs: readonly EvalCase[] = [
  {
    id: 'runs-why',
    about: 'a question about the last failure, without a change',
    graph: WEEKLY,
    runs: [GOOD, NO_DOLLAR],
    turns: [{ message: 'Why did the last run fail? Do not change anything yet.' }],
    checks: [called('get_workflow_run_logs'), mentions([/USD/, /Convert/]), NO_CHANGE, refusedAtMost(0)],
  },
  {
    id: 'runs-fix-code',
    about: 'a failure that the code can handle',
    graph: WEEKLY,
    runs: [GOOD, NO_DOLLAR],
    turns: [{ message: 'The last run failed. Fix it: when a rate is missing, usd should be None.' }],
    checks: [
      called('get_workflow_run_logs'),
      config({ name: 'Convert' }, 'handles a missing rate', ({ code }) => /None|\.get\(/.test(textOf(code))),
      othersUntouched('Convert'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'runs-fix-address',
    about: 'a failure whose log says what to do',
    graph: WEEKLY,
    runs: [GOOD, MOVED],
    turns: [{ message: 'The last run failed, please repair the workflow.' }],
    checks: [
      called('get_workflow_run_logs'),
      config({ name: 'Fetch Rates' }, 'has the new address', ({ url }) =>
        textOf(url).startsWith('https://rates.shop.test/v2/latest'),
      ),
      othersUntouched('Fetch Rates'),
      refusedAtMost(1),
    ],
  },
  {
    id: 'runs-outside-cause',
    about: 'a failure that no edit of the workflow causes',
    graph: TRIAGE,
    runs: [RATE_LIMITED],
    turns: [{ message: 'What went wrong in the last run, and is it my workflow that is to blame?' }],
    checks: [
      called('get_workflow_run_logs'),
      mentions([/rate.?limit/i, /Summarise/]),
      NO_CHANGE,
      refusedAtMost(0),
    ],
  },
  {
    id: 'runs-none',
    about: 'a question about runs that there are not',
    graph: TRIAGE,
    turns: [{ message: "Why did yesterday's run fail?" }],
    checks: [
      called('get_workflow_run_logs'),
      mentions(/not (yet )?run|no runs?|never run|has(n't| not)|any runs?/i),
      NO_CHANGE,
      refusedAtMost(0),
    ],
  },
  {
    id: 'runs-compare',
    about: 'the difference between a good run and a failed one',
    graph: WEEKLY,
    runs: [GOOD, NO_DOLLAR],
    turns: [{ message: 'What was different in the failed run, compared with the one before it?' }],
    checks: [
      called('get_workflow_run_logs'),
      mentions([/USD/, /Fetch Rates|rates/i]),
      NO_CHANGE,
      refusedAtMost(0),
    ],
  },
];
