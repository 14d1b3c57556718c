/** Percentiles and tables. */

/** The value that `share` (0 to 1) of the numbers do not exceed. */
export function percentile(numbers: readonly number[], share: number): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  return percentile(numbers, 0.5);
}

/** One decimal below 100, none above. */
export function round(value: number): string {
  return Math.abs(value) < 100 ? value.toFixed(1) : String(Math.round(value));
}

/** Prints a table in Markdown, so that it can go into bench/README.md as it is. */
export function printTable(title: string, head: string[], rows: (string | number)[][]): void {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  console.log(`\n### ${title}\n\n${lines.join('\n')}`);
}

/** Milliseconds on a clock that all processes of a machine share, unlike performance.now(). */
export function sharedClockMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
