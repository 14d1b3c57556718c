/** A page of metrics, read by a parser that is not the product's. */
import assert from 'node:assert/strict';
import parse from 'parse-prometheus-text-format';

export interface MetricsPage {
  /** The names of the metrics, with their types: `counter`, `gauge`, `histogram`. */
  types: ReadonlyMap<string, string>;
  /** The value of the sample with exactly these labels; null when there is none. */
  value(name: string, labels?: Record<string, string>): number | null;
  /** The sum of the samples that have these labels. */
  sum(name: string, labels?: Record<string, string>): number;
  /** All samples of a name by their labels, as `label=value,label=value`. */
  samples(name: string): Record<string, number>;
}

const TYPE = /^# TYPE (\S+) (\w+)$/gm;

/** Parses a page. A histogram has the sample names `<name>_bucket`, `<name>_sum` and `<name>_count`. */
export function parseMetrics(text: string): MetricsPage {
  const types = new Map([...text.matchAll(TYPE)].map(([, name, type]) => [name!, type!]));
  assert.equal([...text.matchAll(TYPE)].length, types.size, 'a metric is on the page twice');
  // The parser joins all histograms of a name into one, whatever their labels. Without its type, each line is a sample.
  const plain = text.replaceAll(/^# (?:TYPE \S+ histogram|HELP .*)\n/gm, '');
  // The parser begins a family anew where another one stood between its samples.
  const families = Map.groupBy(parse(plain), ({ name }) => name);
  const samplesOf = (name: string) =>
    (families.get(name) ?? [])
      .flatMap(({ metrics }) => metrics)
      .map(({ labels = {}, value }) => ({ labels, value: Number(value) }));
  const has = (labels: Record<string, string>, wanted: Record<string, string>): boolean =>
    Object.entries(wanted).every(([label, value]) => labels[label] === value);
  return {
    types,
    value(name, wanted = {}) {
      const found = samplesOf(name).filter(({ labels }) => has(labels, wanted) && has(wanted, labels));
      assert.ok(found.length <= 1, `${name} has a sample twice`);
      return found[0]?.value ?? null;
    },
    sum: (name, wanted = {}) =>
      samplesOf(name)
        .filter(({ labels }) => has(labels, wanted))
        .reduce((sum, { value }) => sum + value, 0),
    samples: (name) =>
      Object.fromEntries(
        samplesOf(name).map(({ labels, value }) => [
          Object.entries(labels)
            .map(([label, text]) => `${label}=${text}`)
            .join(','),
          value,
        ]),
      ),
  };
}
