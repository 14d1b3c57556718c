/** Judges an edit by the faults that it introduces. Faults that the graph had before do not reject the edit. */
import { edgeKey } from '../graph/edge.ts';
import type { Graph, Block } from '../graph/graph.ts';
import type { RulePorts } from '../rules/check-config.ts';
import { checkGraph } from '../rules/check-graph.ts';
import { referenceKeys } from '../rules/check-references.ts';
import { type Finding, MAX_LISTED, type Problem } from '../rules/finding.ts';
import type { FinishedDraft, GraphChanges } from './draft.ts';

export type EditOutcome =
  | {
      applied: true;
      graph: Graph;
      changes: GraphChanges;
      warnings: Problem[];
      /** The ids that the model gave to blocks in this turn, with the real ids of the blocks. */
      aliases: ReadonlyMap<string, string>;
    }
  | { applied: false; problems: Problem[] };

/** The most old faults that are shown beside the new ones. */
const MAX_OLD = 5;

/** The outcome of an edit of `original`. */
export function judgeEdit(draft: FinishedDraft, original: Graph, ports: RulePorts): EditOutcome {
  const { graph, faults } = draft;
  const before = draft.asRenamed(original);
  const known = new Map<Block, Finding[]>();
  const earlier = checkGraph(before, ports, known);
  const old = new Set(earlier.map((found) => found.key));
  const now = checkGraph(graph, ports, known);
  const introduced = withoutEchoes(
    now.filter((found) => !old.has(found.key)),
    before,
  );
  const leftBehind = findLeftBehind(introduced, before, ports);
  const isError = (found: Finding): boolean => found.severity === 'error' && !leftBehind.has(found);
  const untold = introduced.filter((found) => isError(found) && !faults.isTold(found.code, found.block));
  const errors = distinct(faults.problems, untold);
  if (errors.length > 0) return { applied: false, problems: [...errors, ...oldFaults(now, old, errors)] };
  const changes = Object.fromEntries(
    Object.entries(draft.changes).filter(([, list]) => list.length > 0),
  ) as GraphChanges;
  const warnings = distinct(draft.notes, [
    ...introduced.filter((found) => found.severity === 'warning' || leftBehind.has(found)),
    ...introduced.filter((found) => found.severity === 'info'),
  ]);
  return {
    applied: true,
    graph,
    changes,
    warnings: warnings.map((found) => asWarning(found)),
    aliases: draft.aliases,
  };
}

/**
 * The new faults of references that the edit did not touch. When an edit removes the target of a reference, the reference
 * is left behind: it becomes a warning and does not reject the edit.
 */
function findLeftBehind(
  introduced: readonly Finding[],
  before: Graph,
  ports: RulePorts,
): ReadonlySet<Finding> {
  const faults = introduced.filter((found) => found.severity === 'error' && found.reference !== undefined);
  if (faults.length === 0) return new Set();
  const there = new Set(before.blocks.flatMap((block) => referenceKeys(block, ports.python)));
  return new Set(faults.filter((found) => there.has(found.reference!)));
}

/** The errors that the graph had before, of the blocks that have new errors. */
function oldFaults(now: readonly Finding[], old: ReadonlySet<string>, errors: readonly Problem[]): Problem[] {
  const blamed = new Set(errors.map((error) => error.block));
  const found: Problem[] = [];
  for (const finding of now) {
    if (found.length === MAX_OLD) break;
    if (!old.has(finding.key)) continue;
    if (finding.severity === 'error' && finding.block !== null && blamed.has(finding.block))
      found.push({ ...finding.problem, was_there_before: true });
  }
  return found;
}

/** Drops findings of old edges on a new cycle. Every edge of a cycle has a finding, but only new edges are the cause. */
function withoutEchoes(findings: Finding[], before: Graph): Finding[] {
  const there = new Set(before.edges.map((edge) => `edge_cycle ${edgeKey(edge)}`));
  return findings.filter((found) => !there.has(found.key));
}

/** The problems that are shown: without duplicates, and no more than MAX_LISTED. Only their findings create a problem. */
function distinct(problems: readonly Problem[], findings: readonly Finding[]): Problem[] {
  const told = new Map<string, Problem>();
  const tell = (found: Problem): void => void told.set(JSON.stringify(found), found);
  for (const found of problems) if (told.size < MAX_LISTED) tell(found);
  const keys = new Set<string>();
  for (const found of findings) {
    if (told.size >= MAX_LISTED) break;
    if (keys.has(found.key)) continue;
    keys.add(found.key);
    tell(found.problem);
  }
  return [...told.values()];
}

/** The problem as a warning. A fault of a reference that was left behind does not reject the edit. */
function asWarning(found: Problem): Problem {
  return found.severity === 'error' ? { ...found, severity: 'warning' } : found;
}
