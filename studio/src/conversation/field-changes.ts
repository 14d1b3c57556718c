/** Before and after of an asset, field by field. Pure. */
import type { Json } from '../../../client/src/index.ts';
import { sameJson, showJson } from '../store/json.ts';

export interface FieldDifference {
  field: string;
  kind: 'added' | 'changed' | 'removed';
  lines: readonly DifferenceLine[];
}

export interface DifferenceLine {
  sign: '+' | '−' | ' ';
  text: string;
}

const KEPT_AROUND = 2;

/** The fields that differ, and the names of those that stay. Something that is no object is one field. */
export function compareAssets(before: Json, after: Json): { changes: FieldDifference[]; same: string[] } {
  const was = fieldsOf(before);
  const is = fieldsOf(after);
  const changes: FieldDifference[] = [];
  const same: string[] = [];
  for (const field of new Set([...was.keys(), ...is.keys()])) {
    const [old, now] = [was.get(field), is.get(field)];
    if (sameJson(old, now)) same.push(field);
    else
      changes.push({
        field,
        kind: old === undefined ? 'added' : now === undefined ? 'removed' : 'changed',
        lines: compareLines(linesOf(old), linesOf(now)),
      });
  }
  return { changes, same };
}

function fieldsOf(value: Json): Map<string, Json> {
  if (value === null) return new Map();
  if (typeof value !== 'object' || Array.isArray(value)) return new Map([['Value', value]]);
  return new Map(Object.entries(value));
}

function linesOf(value: Json | undefined): string[] {
  return value === undefined ? [] : showJson(value).split('\n');
}

/** The lines between the first and the last difference, with a few equal ones around. */
function compareLines(before: string[], after: string[]): DifferenceLine[] {
  const shorter = Math.min(before.length, after.length);
  let head = 0;
  while (head < shorter && before[head] === after[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && before.at(-1 - tail) === after.at(-1 - tail)) tail += 1;
  const lines = (sign: DifferenceLine['sign'], texts: string[]): DifferenceLine[] =>
    texts.map((text) => ({ sign, text }));
  return [
    ...skipped(head - KEPT_AROUND),
    ...lines(' ', before.slice(Math.max(0, head - KEPT_AROUND), head)),
    ...lines('−', before.slice(head, before.length - tail)),
    ...lines('+', after.slice(head, after.length - tail)),
    ...lines(' ', after.slice(after.length - tail).slice(0, KEPT_AROUND)),
    ...skipped(tail - KEPT_AROUND),
  ];
}

function skipped(count: number): DifferenceLine[] {
  return count > 0 ? [{ sign: ' ', text: `… ${count} equal line${count === 1 ? '' : 's'}` }] : [];
}
