/** The dashboard and the alert rules: their expressions are PromQL, and name metrics and alerts that there are. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createMetrics } from '../../runtime/metrics/metrics.ts';
import { expressionsOfDeploy, metricsIn, readAlerts, readPanels } from '../support/deploy-files.ts';

const read = (path: string): string => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

test('a reader of PromQL refuses what is none, and finds the metrics of what is', () => {
  assert.throws(() => metricsIn('rate(copilot_turns_total[5m]'));
  assert.throws(() => metricsIn('sum by copilot_turns_total'));
  assert.deepEqual(metricsIn('max(a{b="c"}) / sum(rate(d_bucket[5m])) > 1'), ['a', 'd']);
});

test('every metric of the dashboard and the alerts exists', () => {
  const own = new Set(
    createMetrics()
      .registry.getMetricsAsArray()
      .map(({ name }) => name),
  );
  const documented = new Set(
    [...read('docs/metrics.md').matchAll(/`(copilot_\w+)`/g)].map((match) => match[1]!),
  );
  for (const expr of expressionsOfDeploy())
    for (const name of metricsIn(expr)) {
      // test/process/metrics.test.ts finds the others, Core's, on a page.
      if (name.startsWith('copilot_')) assert.ok(documented.has(name), name);
      else if (!name.startsWith('temporal_')) assert.ok(own.has(name), name);
    }
});

test('each alert has a severity, a summary, and a row in the runbook', () => {
  const runbook = read('docs/runbook.md');
  const alerts = readAlerts();
  assert.ok(alerts.length > 10);
  for (const { alert, labels, annotations } of alerts) {
    assert.ok(['page', 'ticket'].includes(labels.severity!), alert);
    assert.ok(annotations.summary, alert);
    assert.ok(runbook.includes(`| \`${alert}\` |`), alert);
  }
  assert.equal(new Set(alerts.map(({ alert }) => alert)).size, alerts.length);
});

test('each panel of the dashboard has a title and shows something', () => {
  for (const { type, title, targets = [] } of readPanels())
    assert.ok(title !== '' && (type === 'row' || targets.length > 0), title);
});
