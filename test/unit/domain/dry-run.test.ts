/** What a dry run works out, what it leaves unknown, and what it assumes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createPythonChecker } from '../../../activities/tools/python-syntax.ts';
import { describeRun, MAX_TRY_CHARS } from '../../../domain/dry-run/describe-run.ts';
import { toTryInput } from '../../../domain/dry-run/from-run.ts';
import { type DryRun, runGraph } from '../../../domain/dry-run/run-graph.ts';
import type { TryInput } from '../../../domain/dry-run/try-input.ts';
import { Unknown } from '../../../domain/dry-run/value.ts';
import type { Block, Graph } from '../../../domain/graph/graph.ts';
import { nameKey } from '../../../domain/graph/find-block.ts';
import { findBlockType } from '../../../domain/rules/block-registry.ts';
import { computeReachability } from '../../../domain/rules/reachability.ts';
import type { Json, JsonObject } from '../../../domain/text/json-value.ts';
import {
  anyGraph,
  anyObject,
  block,
  graph,
  namedGraph,
  referringGraph,
} from '../../support/graph-builders.ts';
import { repeats } from '../../support/repeats.ts';

const ports = { python: createPythonChecker() };
const start = block('Start', { type: 'starter', config: { input: { kind: 'new', score: 0 } } });
const when = (name: string, ...expressions: string[]): Block =>
  block(name, { type: 'condition', config: { branches: expressions.map((expression) => ({ expression })) } });
const ask = (name: string, input: string): Block =>
  block(name, { type: 'agent', config: { model: 'm', system_prompt: 's', input } });
const reply = (output: Json, name = 'Reply'): Block => block(name, { type: 'response', config: { output } });
const code = (name: string, text: string): Block => block(name, { config: { code: text } });

const run = (on: Graph, tried: TryInput = {}): DryRun => runGraph(on, tried, ports);
const step = (of: DryRun, name: string) => {
  const found = of.steps.find((item) => item.block.name === name);
  assert.ok(found, `${name} was not visited`);
  return found;
};
const statuses = (of: DryRun) => Object.fromEntries(of.steps.map((item) => [item.block.name, item.status]));
const answer = (of: DryRun, name = 'Reply') => (step(of, name).got as JsonObject).output;
const assumed = (of: DryRun) => [...of.assumptions].sort();

test('a condition takes the first true branch, and what the others lead to is skipped', () => {
  const on = graph(
    [
      start,
      when('Check', '<Start.output.score> > 5', '<Start.output.kind> == "new"'),
      reply('a', 'A'),
      reply('b', 'B'),
      reply('c', 'C'),
    ],
    ['start -> check', 'check[if] -> a', 'check[elif_1] -> b', 'check[else] -> c'],
  );
  const taken = (input: JsonObject) =>
    run(on, { input }).steps.find((item) => item.block.type === 'response' && item.status === 'runs')?.block
      .name;
  assert.equal(taken({ score: 6 }), 'A');
  assert.equal(taken({}), 'B');
  assert.equal(taken({ kind: 'old' }), 'C');
  const { why } = step(run(on, {}), 'A');
  assert.equal(why, 'Check does not take if');
});

test('references are filled, and a whole value keeps its type', () => {
  const on = graph(
    [
      start,
      ask('Ask', 'Look at <Start.output.kind> (<Start.output.score>)'),
      reply({ whole: '<Start.output.score>', all: '<Start.output>' }),
    ],
    ['start -> ask', 'ask -> reply'],
  );
  const made = run(on, { input: { score: 7 } });
  assert.deepEqual(step(made, 'Ask').got, { input: 'Look at new (7)' });
  assert.deepEqual(answer(made), { whole: 7, all: { kind: 'new', score: 7 } });
  assert.deepEqual(assumed(made), ['type_is_kept']);
});

test('an output that was not given is unknown, and so is what depends on it', () => {
  const on = graph(
    [
      start,
      ask('Ask', 'x'),
      when('Check', '<Ask.output> == "yes"'),
      reply('<Ask.output>!', 'Yes'),
      reply('no', 'No'),
    ],
    ['start -> ask', 'ask -> check', 'check[if] -> yes', 'check[else] -> no'],
  );
  const unknown = run(on);
  assert.deepEqual(statuses(unknown), {
    Start: 'runs',
    Ask: 'runs',
    Check: 'runs',
    Yes: 'may_run',
    No: 'may_run',
  });
  assert.equal(answer(unknown, 'Yes'), '[unknown: the output of Ask]!');
  const given = run(on, { outputs: { ask: 'yes' } });
  assert.deepEqual(statuses(given), {
    Start: 'runs',
    Ask: 'runs',
    Check: 'runs',
    Yes: 'runs',
    No: 'skipped',
  });
  assert.equal(answer(given, 'Yes'), 'yes!');
});

test('unknown spreads as far as it matters, and no further', () => {
  const decided = (expression: string): unknown => {
    const on = graph([start, ask('Ask', 'x'), when('Check', expression)], ['start -> ask', 'ask -> check']);
    const { is } = step(run(on), 'Check').branches[0]!;
    return typeof is === 'boolean' ? is : is.split(':')[0];
  };
  for (const [expression, expected] of [
    ['<Ask.output> == 1 and false', false],
    ['<Ask.output> == 1 or true', true],
    ['<Ask.output> == 1 or <Start.output.score> == 0', true],
    ['<Ask.output> == 1 and true', 'unknown'],
    ['not <Ask.output>', 'unknown'],
    ['len(<Ask.output>) + 1 > 0', 'unknown'],
    ['<Ask.output> == 1 and <Start.output.none> == 1', 'false, as it fails'],
    ['true or <Start.output.none> == 1', 'false, as it fails'],
    ['<Ask.output> == 1 or len(5) > 1', 'unknown'],
    ['false and len(5) > 1', false],
    ['"is <Ask.output>" == "is x"', 'unknown'],
  ] as const)
    assert.equal(decided(expression), expected, expression);
});

test('the language of conditions is worked out', () => {
  const input = {
    n: 7,
    s: ' Yes ',
    list: [1, 'a', null],
    o: { a: { b: 2 } },
    yes: true,
    none: null,
    empty: '',
  };
  const starter = block('S', { type: 'starter', config: { input } });
  const decided = (expression: string): unknown =>
    step(run(graph([starter, when('Check', expression)], ['s -> check'])), 'Check').branches[0]!.is;
  for (const truth of [
    '<S.output.n> == 7',
    '<S.output.n> != "7"',
    '<S.output.n> // 2 == 3 and <S.output.n> % 4 == 3 and -<S.output.n> // 2 == -4',
    '<S.output.s>.strip().lower() == "yes"',
    '"Ye" in <S.output.s>',
    '"z" not in <S.output.s>',
    '"a" in <S.output.list> and null in <S.output.list>',
    '"a" in <S.output.o> and "b" not in <S.output.o>',
    '<S.output.o.a.b> == 2 and <S.output.o>["a"]["b"] == 2 and <S.output.list>[-2] == "a"',
    '<S.output.o>.get("x", 5) == 5 and <S.output.o>.get("x") == null',
    '<S.output.yes> == True and <S.output.yes>',
    '<S.output.none> == None and not <S.output.none> and not <S.output.empty>',
    'len(<S.output.list>) == 3 and len("ä💥") == 2',
    'int("7") == <S.output.n> and str(<S.output.n>) == "7" and float("1.5") == 1.5',
    'min(3, 1, 2) == 1 and max(1, 2) == 2 and abs(-1) == 1 and round(1.26, 1) == 1.3',
    '"a" + "b" == "ab" and [1] + [2] == [1, 2] and 1 + 2 * 3 == 7',
    '"n is <S.output.n>" == "n is 7"',
    '"a" < "b" and not "b" < "a"',
    '<S.output.s>.startswith(" Y") and <S.output.s>.endswith(" ")',
    '(<S.output.empty> or "x") == "x"',
    'bool(<S.output.list>)',
  ])
    assert.equal(decided(truth), true, truth);
  for (const failing of [
    '<S.output.n> > "5"',
    '<S.output.missing> == 1',
    '<S.output.n> / 0 > 1',
    'len(5) > 1',
    '<S.output.list>[9] == 1',
    'int("seven") == 7',
    '<S.output.n>.lower() == "a"',
    '<S.output.s>.get("a") == 1',
    'unheard(1) == 1',
    '<S.output.s.part> == 1',
  ])
    assert.match(String(decided(failing)), /^false, as it fails: /, failing);
});

test('a skipped block is read by nobody: its reference stays, and in a condition it fails', () => {
  const on = graph(
    [
      start,
      when('Check', '<Start.output.score> > 5'),
      ask('Rare', 'x'),
      when('After', '<Rare.output> == "x"'),
      reply('<Rare.output>'),
    ],
    ['start -> check', 'check[if] -> rare', 'check[else] -> after', 'rare -> after', 'after[else] -> reply'],
  );
  const made = run(on, { outputs: { Rare: 'x' } });
  assert.equal(answer(made), '<Rare.output>');
  assert.deepEqual(step(made, 'Reply').unresolved, ['<Rare.output>: Rare is skipped']);
  assert.equal(step(made, 'After').branches[0]!.is, 'false, as it fails: Rare is skipped');
  assert.deepEqual(assumed(made), ['expression_fails', 'join_runs_once', 'reference_stays']);
});

test('a split takes every branch, and the block where they meet runs once', () => {
  const on = graph(
    [
      start,
      block('Fan', { type: 'split', config: { branches: 2 } }),
      ask('A', 'x'),
      ask('B', 'y'),
      reply('<A.output><B.output>'),
    ],
    ['start -> fan', 'fan[1] -> a', 'fan[2] -> b', 'a -> reply', 'b -> reply'],
  );
  const made = run(on, { outputs: { A: '1', B: '2' } });
  assert.equal(answer(made), '12');
  assert.deepEqual(assumed(made), ['join_waits']);
});

test('code is not run: what it reads is shown, and what may fail is told', () => {
  const on = graph(
    [
      start,
      when('Check', '<Start.output.score> > 5'),
      ask('Rare', 'x'),
      code('Bad', 'output = input_data["Rare"]["output"] + input_data["Start"]["output"]["none"] + nothing'),
      code(
        'Good',
        'output = input_data.get("Rare", {}).get("output", input_data["Start"]["output"]["kind"])',
      ),
    ],
    ['start -> check', 'check[if] -> rare', 'check[else] -> bad', 'rare -> bad', 'bad -> good'],
  );
  const made = run(on);
  assert.deepEqual(step(made, 'Bad').mayFail, [
    'input_data["Rare"] is missing: Rare is skipped',
    'the output of Start has no .none',
    'nothing is not defined',
  ]);
  assert.deepEqual(step(made, 'Good').mayFail, []);
  assert.deepEqual(step(made, 'Good').got, { input_data: { Start: { output: { kind: 'new', score: 0 } } } });
  assert.ok(step(made, 'Good').output instanceof Unknown);
});

test('a block that cannot run fails, and nothing runs below it', () => {
  const on = graph(
    [
      start,
      block('Call', { type: 'general_api', config: { method: 'GET' } }),
      code('Broken', 'def ('),
      reply('x'),
    ],
    ['start -> call', 'start -> broken', 'call -> reply'],
  );
  const made = run(on);
  assert.deepEqual(statuses(made), { Start: 'runs', Call: 'fails', Broken: 'fails', Reply: 'skipped' });
  assert.match(step(made, 'Call').why!, /Call needs url/);
  assert.equal(step(made, 'Reply').why, 'Call fails');
  assert.equal((describeRun(made) as JsonObject).outcome, 'It fails at Call.');
});

test('the answer of an HTTP request is given as its body, or with its status', () => {
  const on = graph(
    [
      start,
      block('Call', {
        type: 'general_api',
        config: { url: 'https://a.test/<Start.output.kind>', method: 'GET' },
      }),
      reply(['<Call.output.output.id>', '<Call.output.status_code>']),
    ],
    ['start -> call', 'call -> reply'],
  );
  assert.deepEqual(answer(run(on, { outputs: { Call: { id: 5 } } })), [5, 200]);
  assert.deepEqual(answer(run(on, { outputs: { Call: { output: { id: 6 }, status_code: 404 } } })), [6, 404]);
  assert.deepEqual(step(run(on), 'Call').got, { url: 'https://a.test/new' });
});

test('a webhook gives its body, a disabled block is skipped, and outputs that fit no block are told', () => {
  const hook = block('Hook', { type: 'webhook', config: {} });
  const on = graph(
    [hook, { ...ask('Off', 'x'), enabled: false }, reply('<Hook.output.a>')],
    ['hook -> off', 'hook -> reply'],
  );
  const made = run(on, { input: { a: [1] }, outputs: { Of: 1, Reply: 2 } });
  assert.deepEqual(answer(made), [1]);
  assert.equal(step(made, 'Off').why, 'it is disabled');
  assert.deepEqual(assumed(made), ['disabled_is_skipped', 'parallel_edges', 'type_is_kept']);
  assert.match(made.ignored[0]!, /no block Of\. Nearest: Off/);
  assert.match(made.ignored[1]!, /Reply is not taken/);
  assert.equal(answer(run(on)), '[unknown: the body of the request; give it in try.input]');
});

test('what the trigger does not reach is not tried', () => {
  const on = graph(
    [
      start,
      code('A', 'output = 1'),
      code('B', 'output = 1'),
      code('Lost', 'output = 1'),
      code('Below', 'output = 1'),
    ],
    ['start -> a', 'a -> b', 'b -> a', 'lost -> below'],
  );
  const { steps, notTried } = run(on);
  assert.deepEqual(
    steps.map((item) => item.block.name),
    ['Start'],
  );
  assert.deepEqual(
    notTried.map((item) => `${item.block}: ${item.why}`),
    [
      'A: it is on a cycle or below one',
      'B: it is on a cycle or below one',
      'Lost: no edge leads to it; the platform runs it all the same',
      'Below: the trigger does not lead to it',
    ],
  );
  assert.match(run(graph([code('A', 'output = 1')])).cut!, /no trigger/);
});

test('an edge with a handle that its block does not have is never taken', () => {
  const on = graph([start, code('A', 'output = 1')], ['start[if] -> a']);
  assert.deepEqual(statuses(run(on)), { Start: 'runs', A: 'skipped' });
});

test('values that are too large end the run, and secrets are hidden', () => {
  const many = '<Start.output.kind>'.repeat(3_000);
  const on = graph(
    [start, ...Array.from({ length: 20 }, (_, n) => ask(`A${n}`, many))],
    Array.from({ length: 20 }, (_, n) => `start -> a${n}`),
  );
  const made = run(on, { input: { kind: 'x'.repeat(100_000) } });
  assert.match(made.cut!, /too large/);
  const told = JSON.stringify(
    describeRun(
      run(graph([start, reply('<Start.output.kind>')], ['start -> reply']), {
        input: { kind: `sk-${'a1B2'.repeat(12)}` },
      }),
    ),
  );
  assert.ok(!told.includes('a1B2a1B2'), told);
});

test('calls and searches whose cost is out of proportion to the text end the run', () => {
  const check = (expression: string, input: JsonObject): DryRun =>
    run(graph([start, when('Check', expression)], ['start -> check']), { input });
  // Each level escapes the backslashes of the level below.
  const nested = `${'str(['.repeat(14)}<Start.output.kind>${'])'.repeat(14)} == 1`;
  assert.match(check(nested, { kind: '\\'.repeat(1_000) }).cut!, /too large/);
  const search = '<Start.output.score> in <Start.output.kind>';
  assert.match(check(search, { kind: 'a'.repeat(40_000), score: 'b'.repeat(20_000) }).cut!, /too large/);
  // Ordinary ones do not.
  const found = check(search, { kind: `${'a'.repeat(100_000)} the needle`, score: 'the needle' });
  assert.equal(found.cut, null);
  assert.deepEqual(
    step(found, 'Check').branches.map(({ is }) => is),
    [true],
  );
});

test('a past run is tried again with its own values', () => {
  assert.deepEqual(
    toTryInput({ kind: 'x' }, [
      { block: 'Start', type: 'starter', status: 'success', output: { kind: 'x' } },
      { block: 'Ask', type: 'agent', status: 'success', output: { output: 'yes' } },
      { block: 'Load', type: 'code', status: 'success', output: { total: 3 } },
      { block: 'Call', type: 'general_api', status: 'success', output: { output: 1, status_code: 200 } },
      { block: 'Send', type: 'general_api', status: 'error', output: null },
    ]),
    {
      input: { kind: 'x' },
      outputs: { Ask: 'yes', Load: { total: 3 }, Call: { output: 1, status_code: 200 } },
    },
  );
  assert.deepEqual(toTryInput(null, []), { input: {}, outputs: {} });
});

const tries = fc.record(
  {
    input: fc.option(anyObject),
    outputs: fc.option(
      fc.dictionary(
        fc.constantFrom('Ask', 'work', 'Call', 'Start', 'a', '__proto__'),
        fc.jsonValue() as fc.Arbitrary<Json>,
        { noNullPrototype: true },
      ),
    ),
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('on any graph and any values a dry run ends, is repeatable and bounded, and reads only what ran above', () => {
  fc.assert(
    fc.property(fc.oneof(referringGraph, anyGraph, namedGraph), tries, (on, tried) => {
      const made = run(on, tried);
      assert.deepEqual(run(on, tried), made);
      const described = describeRun(made);
      assert.ok(JSON.stringify(described).length <= MAX_TRY_CHARS);
      assertHonest(on, made);
    }),
    { numRuns: repeats({ test: 600, soak: 20_000 }) },
  );
});

/** Each block at most once, after all blocks that lead to it; only reached ones; nothing read of what did not run. */
function assertHonest(on: Graph, { steps }: DryRun): void {
  const reachability = computeReachability(on);
  const trigger = on.blocks.find((item) => findBlockType(item.type)?.trigger);
  const at = new Map(steps.map((item, index) => [item.block.id, index]));
  assert.equal(at.size, steps.length);
  const ran = (name: string): boolean => {
    const found = steps.find((item) => nameKey(item.block.name) === nameKey(name));
    return found?.status === 'runs' || found?.status === 'may_run';
  };
  for (const { block: visited, status, got } of steps) {
    assert.ok(visited.id === trigger?.id || reachability.reaches(trigger!.id, visited.id), 'it was reached');
    for (const { source, target } of on.edges)
      if (target === visited.id && at.has(source)) assert.ok(at.get(source)! < at.get(target)!, 'in order');
    if (status === 'skipped') assert.equal(got, null);
    const read = (got as { input_data?: JsonObject } | null)?.input_data;
    if (visited.type === 'code' && read) for (const name of Object.keys(read)) assert.ok(ran(name), name);
  }
}

test('outputs of blocks that did not run are never shown', () => {
  const mark = 'KEEP-OUT';
  fc.assert(
    fc.property(referringGraph, fc.constantFrom('Ask', 'Work', 'Call'), (on, name) => {
      const made = run(on, { outputs: { [name]: mark } });
      const target = made.steps.find((item) => nameKey(item.block.name) === nameKey(name));
      if (target?.status === 'runs') return;
      assert.ok(!JSON.stringify(describeRun(made)).includes(mark));
    }),
    { numRuns: repeats({ test: 600, soak: 20_000 }) },
  );
});
