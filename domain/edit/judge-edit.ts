/** Judges an edited graph by what the edit introduced: faults that were there before do not reject it. */
import { edgeKey } from '../graph/edge.ts';
import type { Graph, Block } from '../graph/graph.ts';
import type { RulePorts } from '../rules/check-config.ts';
import { checkGraph } from '../rules/check-graph.ts';
import { referenceKey } from '../rules/check-references.ts';
import { type Finding, MAX_LISTED, type Problem } from '../rules/finding.ts';
import { listReferences } from '../rules/reference.ts';
import type { FinishedDraft, GraphChanges } from './draft.ts';

export type EditOutcome =
  | {
      applied: true;
      graph: Graph;
      changes: GraphChanges;
      warnings: Problem[];
      /** The ids that the model gave to blocks in this turn, with the ids the blocks really have. */
      aliases: ReadonlyMap<string, string>;
    }
  | { applied: false; problems: Problem[] };

/** How many faults that were there before are told beside the new ones. */
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
 * The faults of references that the edit did not touch. When an edit takes away what a reference names, the reference
 * is left behind: it is told of and does not reject the edit.
 */
function findLeftBehind(
  introduced: readonly Finding[],
  before: Graph,
  ports: RulePorts,
): ReadonlySet<Finding> {
  const faults = introduced.filter((found) => found.severity === 'error' && found.reference !== undefined);
  if (faults.length === 0) return new Set();
  const there = new Set(
    before.blocks.flatMap((block) =>
      listReferences(block.config, ports.python).map((reference) => referenceKey(block, reference)),
    ),
  );
  return new Set(faults.filter((found) => there.has(found.reference!)));
}

/** Errors that are still there from before, of the blocks that the new ones blame. */
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

/** A new edge that closes a circle makes a finding of every edge on it. Only the new edges are to blame. */
function withoutEchoes(findings: Finding[], before: Graph): Finding[] {
  const there = new Set(before.edges.map((edge) => `edge_cycle ${edgeKey(edge)}`));
  return findings.filter((found) => !there.has(found.key));
}

/** As many as are told, doubles left out. A finding's problem is made only when it is one of them. */
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

/** A fault that was left behind rejects nothing. */
function asWarning(found: Problem): Problem {
  return found.severity === 'error' ? { ...found, severity: 'warning' } : found;
}
