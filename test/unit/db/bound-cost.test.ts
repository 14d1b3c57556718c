/** Writing the checks into a query takes time of the thread that runs everything else. */
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { boundCost } from '../../../db/sql-sandbox/bound-cost.ts';
import { sqlGrammarReady } from '../../../db/sql-sandbox/check-syntax.ts';
import { cpuMs } from '../../support/cpu-time.ts';

const MOST_MS = 500;

before(sqlGrammarReady);

const nested = (times: number, wrap: (inner: string) => string): string => {
  let inner = 'title';
  for (let level = 0; level < times; level++) inner = wrap(inner);
  return `select ${inner} from products`;
};

test('calls in calls, whose checks would double at each level, are bounded or refused in time', () => {
  const wraps: ((inner: string) => string)[] = [
    (inner) => `quote_literal(trim(${inner} || title))`,
    (inner) => `concat(${inner}, 'a', 'b')`,
    (inner) => `upper(${inner} || title)`,
    (inner) => `jsonb_set(${inner}, '{a}', '1')`,
    (inner) => `(select ${inner} || 'x')`,
  ];
  for (const wrap of wraps) {
    for (const times of [12, 16, 20, 40]) {
      const from = cpuMs();
      try {
        boundCost(nested(times, wrap));
      } catch (error: unknown) {
        assert.equal((error as { code?: string }).code, 'too_complex', wrap('x'));
      }
      const took = cpuMs() - from;
      assert.ok(took < MOST_MS, `${took.toFixed(0)} ms for ${times} times ${wrap('x')}`);
    }
  }
});

test('a few calls in calls are honest', () => {
  assert.match(boundCost(nested(8, (inner) => `quote_literal(${inner})`)), /quote_literal/);
});
