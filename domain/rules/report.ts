/** How the rules on a block's config report their findings. */
import type { Block } from '../graph/graph.ts';
import type { Json } from '../text/json-value.ts';
import { type Finding, finding, type FindingId, type Values } from './finding.ts';

/**
 * Reports a finding of a block. With the block's id and the field, `key` identifies the finding in another version of the
 * graph. Values that are expensive to compute are passed as a function.
 */
export type Report = <Id extends FindingId>(
  id: Id,
  field: string,
  key: Json,
  values: Values<Id> | (() => Values<Id>),
) => void;

/** Creates a Report that adds findings to a list. */
export function reportInto(findings: Finding[], block: Block): Report {
  return (id, field, key, values) => {
    const place = { block: block.name, field };
    findings.push(finding(id, JSON.stringify([block.id, field, key]), place, values));
  };
}

/** Matches a text with a reference or another part that is filled in later. */
export const TEMPLATE = /<[^<>\n]+>|\{\{|\$\{/;

/** The text `Nearest: a, b. `, or an empty text when no name is near. */
export function nearestHint(nearest: readonly string[]): string {
  return nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : '';
}
