/** Judges an edit by the faults that it introduces. Faults that the graph had before do not reject the edit. */
import { edgeKey } from '../graph/edge.ts';
import type { Graph, Block } from '../graph/graph.ts';
import type { RulePorts } from '../rules/check-config.ts';
import { checkGraph } from '../rules/check-graph.ts';
import { referenceKeys } from '../rules/check-references.ts';
import { type Finding, MAX_LISTED, type Problem } from '../rules/finding.ts';
import { isReferenceName } from '../rules/reference.ts';
import type { FinishedDraft, GraphChanges } from './draft.ts';
import { Renames } from './renames.ts';

export type EditOutcome =
  | {
      applied: true;
      graph: Graph;
      changes: GraphChanges;
      warnings: Problem[];
      /** Warnings of earlier edits of the turn that are not mended yet. */
      stillOpen: Problem[];
      /** The ids that the model gave to blocks in this turn, with the real ids of the blocks. */
      aliases: ReadonlyMap<string, string>;
    }
  | { applied: false; problems: Problem[] };

/** The most old faults that are shown beside the new ones. */
const MAX_OLD = 5;
/** The most warnings of earlier edits that are repeated. */
const MAX_STILL_OPEN = 10;

/** The graphs before an edit. `turnStart` is absent when the edit is the first one of its turn. */
export interface Before {
  original: Graph;
  turnStart?: Graph | undefined;
}

/** The outcome of an edit of `original`. */
export function judgeEdit(
  draft: FinishedDraft,
  { original, turnStart }: Before,
  ports: RulePorts,
): EditOutcome {
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
    stillOpen: turnStart ? findStillOpen(now, old, withNamesOf(graph, turnStart, ports), ports) : [],
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

/** The faults that the graph had before the edit, but not yet when the turn began. */
function findStillOpen(
  now: readonly Finding[],
  old: ReadonlySet<string>,
  turnStart: Graph,
  ports: RulePorts,
): Problem[] {
  const open = now.filter((found) => found.severity !== 'info' && old.has(found.key));
  if (open.length === 0) return [];
  const atStart = new Set(checkGraph(turnStart, ports).map((found) => found.key));
  return open
    .filter((found) => !atStart.has(found.key))
    .slice(0, MAX_STILL_OPEN)
    .map((found) => ({ ...asWarning(found.problem), was_there_before: true }));
}

/** An earlier graph with the names that its blocks have in `now`, so that its faults are recognised. */
function withNamesOf(now: Graph, earlier: Graph, { python }: RulePorts): Graph {
  const names = new Map(now.blocks.map((block) => [block.id, block.name]));
  const renames = new Renames(python);
  for (const { id, name } of earlier.blocks) {
    const to = names.get(id) ?? name;
    if (to !== name && isReferenceName(to)) renames.add({ id, from: name, to });
  }
  if (renames.count === 0) return earlier;
  const blocks = earlier.blocks.map((block) => ({
    ...block,
    name: names.get(block.id) ?? block.name,
    config: renames.apply(block.config, 0),
  }));
  return { ...earlier, blocks };
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
