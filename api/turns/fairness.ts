/** How Temporal orders the tasks of turns when workers are busy. The activities of a turn inherit this from its workflow. */
import { createHash } from 'node:crypto';
import type { Turn } from '../../db/turns/turn.ts';

/** Of 1 (first) to 5. The default of Temporal is 3; housekeeping comes after. */
export const TURN_PRIORITY = 2;
const KEY_CHARS = 32;

/**
 * Turns with the same key share what a key gets. The key of a principal is a hash: a `sub` may be an address or a name, and
 * Temporal's history is no place for either. Turns of the platform's own backend are kept apart by their graph.
 */
export function fairnessKeyOf({ principal, workflowId }: Pick<Turn, 'principal' | 'workflowId'>): string {
  if (principal === null) return `workflow-${workflowId}`;
  const hash = createHash('sha256').update(`copilot principal ${principal}`).digest('base64url');
  return `principal-${hash.slice(0, KEY_CHARS)}`;
}
