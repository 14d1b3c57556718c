/** How the rules on a block's config tell what they find. */
import type { Block } from '../graph/graph.ts';
import type { Json } from '../text/json-value.ts';
import { type Finding, finding, type FindingId, type Values } from './finding.ts';

/**
 * Tells a fault of a block. `key` beside the block's id and the field makes it the same fault in another version of the
 * graph. Values that cost something to find are given as a function.
 */
export type Report = <Id extends FindingId>(
  id: Id,
  field: string,
  key: Json,
  values: Values<Id> | (() => Values<Id>),
) => void;

/** Creates a report that adds to a list of findings. */
export function reportInto(findings: Finding[], block: Block): Report {
  return (id, field, key, values) => {
    const place = { block: block.name, field };
    findings.push(finding(id, JSON.stringify([block.id, field, key]), place, values));
  };
}

/** A text that holds a reference or another part that is filled in later. */
export const TEMPLATE = /<[^<>\n]+>|\{\{|\$\{/;

/** `Nearest: a, b. `, or nothing where no name is near. */
export function nearestHint(nearest: readonly string[]): string {
  return nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : '';
}
