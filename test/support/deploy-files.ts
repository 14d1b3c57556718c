/** The expressions of the dashboard and of the alert rules, and the metrics that they name. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parser } from '@prometheus-io/lezer-promql';
import { parse as parseYaml } from 'yaml';

const DEPLOY = join(import.meta.dirname, '../../deploy');

interface Panel {
  type: string;
  title: string;
  targets?: { expr: string }[];
}

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

export function readPanels(): Panel[] {
  const text = readFileSync(join(DEPLOY, 'grafana/copilot.json'), 'utf8');
  return (JSON.parse(text) as { panels: Panel[] }).panels;
}

export function readAlerts(): AlertRule[] {
  const text = readFileSync(join(DEPLOY, 'prometheus/alerts.yml'), 'utf8');
  return (parseYaml(text) as { groups: { rules: AlertRule[] }[] }).groups.flatMap(({ rules }) => rules);
}

/** Every expression of the two files. Grafana's variable for a range is replaced by a range. */
export function expressionsOfDeploy(): string[] {
  const shown = readPanels().flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  return [...shown, ...readAlerts().map(({ expr }) => expr)].map((expr) =>
    expr.replaceAll('$__rate_interval', '5m'),
  );
}

/** The metrics of an expression, without the suffixes of histograms. Throws when it is no PromQL. */
export function metricsIn(expr: string): string[] {
  const names: string[] = [];
  parser.parse(expr).iterate({
    enter({ type, from, to, node }) {
      if (type.isError) throw new Error(`no PromQL at ${from}: ${expr}`);
      const name = type.name === 'VectorSelector' ? node.firstChild : null;
      if (name) names.push(expr.slice(name.from, name.to));
      return to >= from;
    },
  });
  return names.map((name) => name.replace(/_(?:bucket|sum|count)$/, ''));
}
