/** The language of conditions: what it takes, what it refuses, and what it corrects. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkConditions } from '../../../domain/rules/check-conditions.ts';
import {
  correctExpression,
  findExpressionFault,
  type Scope,
} from '../../../domain/rules/expression-faults.ts';
import { parseExpression } from '../../../domain/rules/expression.ts';
import { block, graph } from '../../support/graph-builders.ts';
import { repeats } from '../../support/repeats.ts';

/** The words of an edit's refusal of this expression. */
function told(expression: string): string | null {
  const on = graph([
    block('Start', { type: 'starter', config: { input: { kind: '', score: 0 } } }),
    block('Check Score'),
    block('If', { type: 'condition', config: { branches: [{ expression }] } }),
  ]);
  return checkConditions(on)[0]?.problem.hint ?? null;
}

const CORRECTED: [wrong: string, right: string][] = [
  ['<A.output> === "x"', '<A.output> == "x"'],
  ['<A.output>===5', '<A.output> == 5'],
  ['<A.output> !== "x"', '<A.output> != "x"'],
  ['<A.output> <> "x"', '<A.output> != "x"'],
  ['<A.output> = "x"', '<A.output> == "x"'],
  ['<A.output> =<B.output>', '<A.output> == <B.output>'],
  ['<A.output> => 5', '<A.output> >= 5'],
  ['<A.output> ≥ 5', '<A.output> >= 5'],
  ['<A.output> > 1 && <B.output> < 2', '<A.output> > 1 and <B.output> < 2'],
  ['<A.output> > 1&&<B.output> < 2', '<A.output> > 1 and <B.output> < 2'],
  ['<A.output> > 1 || !<B.output>', '<A.output> > 1 or not <B.output>'],
  ['<A.output> > 1 AND NOT <B.output>', '<A.output> > 1 and not <B.output>'],
  ['<A.output> == TRUE', '<A.output> == true'],
  ['<A.output> == NULL', '<A.output> == null'],
  ['<A.output> != undefined', '<A.output> != null'],
  ['<A.output> is None', '<A.output> == None'],
  ['<A.output> is not null', '<A.output> != null'],
  ['<A.output> is greater than 5', '<A.output> > 5'],
  ['<A.output> is less than or equal to 5', '<A.output> <= 5'],
  ['<A.output> equals "x"', '<A.output> == "x"'],
  ['<A.output> is empty', '<A.output> == ""'],
  ['<A.output> contains "x"', '"x" in <A.output>'],
  ['<A.output>.includes("x")', '("x" in <A.output>)'],
  ['<A.output.items>.length > 0', 'len(<A.output.items>) > 0'],
  ['<A.output>.toLowerCase() == "x"', '<A.output>.lower() == "x"'],
  ['<A.output>.startsWith("x")', '<A.output>.startswith("x")'],
  ['lower(<A.output>) == "x"', '<A.output>.lower() == "x"'],
  ['length(<A.output>) > 1', 'len(<A.output>) > 1'],
  ['<A.output>.score > 5', '<A.output.score> > 5'],
  ['1 < <A.output> < 5', '1 < <A.output> and <A.output> < 5'],
  ['<A.output> == "x" or "y" or "z"', '<A.output> in ["x", "y", "z"]'],
  ['<A.output> == "x', '<A.output> == "x"'],
  ['<A.output> == x"', '<A.output> == "x"'],
  ['<A.output> == "x\'', '<A.output> == "x"'],
  ['<A.output> == “x”', '<A.output> == "x"'],
  ['<A.output> == `x`', '<A.output> == "x"'],
  ['(<A.output> > 5', '(<A.output> > 5)'],
  ['<A.output> > 5)', '<A.output> > 5'],
  ['<A.output> == urgent', '<A.output> == "urgent"'],
  ['<A.output> == very urgent', '<A.output> == "very urgent"'],
  ['<A.output> in [red, green]', '<A.output> in ["red", "green"]'],
  ['if <A.output> > 5:', '<A.output> > 5'],
  ['return <A.output> > 5;', '<A.output> > 5'],
  ['{{ <A.output> > 5 }}', '<A.output> > 5'],
  // Words that name a block or an input of the starter.
  ['Check Score.output.total > 5', '<Check Score.output.total> > 5'],
  ['check score.total > 5', '<Check Score.output.total> > 5'],
  ['<Check Score.total> > 5', '<Check Score.output.total> > 5'],
  ['{{Check Score.output.total}} > 5', '<Check Score.output.total> > 5'],
  ['${Check Score.output.total} > 5', '<Check Score.output.total> > 5'],
  ['kind == "new"', '<Start.output.kind> == "new"'],
  ['kind = new', '<Start.output.kind> == "new"'],
  ['{{kind}} == "new"', '<Start.output.kind> == "new"'],
  ['Start.output.kind == "new" && score > 5', '<Start.output.kind> == "new" and <Start.output.score> > 5'],
];
for (const [wrong, right] of CORRECTED) {
  test(`${wrong} is refused, and corrected to ${right}`, () => {
    assert.equal(told(wrong), `Write: ${right}`);
    assert.equal(told(right), null);
  });
}

test('what has no single meaning is refused without a correction', () => {
  for (const wrong of [
    '> 5',
    '"x"',
    '5',
    'total > 5',
    '<A.output> ? 1 : 2',
    'x => x > 5',
    '<A.output> <B.output>',
    'len()',
    '<A.output>.get()',
    '<A.output> > 1,000',
    'and',
    '<A.output> matches /x/',
    '§',
  ])
    assert.match(told(wrong) ?? '', /^Write it like/, wrong);
});

test('the language is taken as its description says', () => {
  for (const fine of [
    '<Check.output.score> > 5 and <Start.output.kind> == "new"',
    '<Start.output.vip> == true',
    '<Start.output.vip> == True or <Start.output.vip> != None',
    '<Ask.output>.lower() in ["yes", "ok"]',
    '<Load.output>.get("total", 0) >= 100',
    '"refund" in <Start.output.text>',
    '"refund" not in <Start.output.text>.strip().lower()',
    'not (<A.output> > 5) and len(<A.output.items>) % 2 == 0',
    '<A.output.items>[0]["a key"] == \'x\'',
    'min(<A.output>, 5) // 2 > -1',
    'true',
    '"<Start.output.kind>" == "new"',
    'bool(<A.output>)',
  ])
    assert.equal(told(fine), null, fine);
});

const scope: Scope = { referenceFor: (words) => (words === 'kind' ? '<Start.output.kind>' : null) };
const PIECES = [
  '<A.output>',
  ' kind ',
  '==',
  '===',
  '&&',
  '(',
  ')',
  '"x"',
  "'",
  '"',
  ' and ',
  '.',
  'len',
  '[',
  '1',
  ' is ',
];

test('any text has the same finding twice, and a corrected text has none', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...PIECES), { maxLength: 12 }).map((pieces) => pieces.join('')),
      ),
      (text) => {
        assert.deepEqual(findExpressionFault(text, scope), findExpressionFault(text, scope));
        const corrected = correctExpression(text, scope);
        if (corrected !== null) assert.equal(findExpressionFault(corrected, scope), null);
      },
    ),
    { numRuns: repeats({ test: 2_000, soak: 50_000 }) },
  );
});

test('a long expression and a deep one are refused', () => {
  assert.equal(parseExpression('1 + '.repeat(600)).ok, false);
  assert.equal(parseExpression(`${'('.repeat(200)}1${')'.repeat(200)}`).ok, false);
  assert.equal(parseExpression(`${'1 + '.repeat(400)}1 > 1`).ok, true);
});
