/** The rules on the flow: blocks that are never reached, dead ends, and shortcut edges (rules 12, 13, 15). */
import { findBlockType, handlesOf } from './block-registry.ts';
import { edgeKey } from '../graph/edge.ts';
import { type Finding, finding, type FindingId, MAX_LISTED, type Values } from './finding.ts';
import type { Block, Graph } from '../graph/graph.ts';
import type { BlockSet, Reachability } from './reachability.ts';

/** Types whose work has an effect outside the workflow. No block need follow them. */
const EFFECTS = ['response', 'general_api', 'platform_api'];

/** Findings about the flow. None of them rejects an edit. */
export function checkFlow(graph: Graph, reachability: Reachability): Finding[] {
  const triggers = graph.blocks.filter((block) => findBlockType(block.type)?.trigger);
  const targets = new Set(graph.edges.map((edge) => edge.target));
  return [
    ...graph.blocks.flatMap((block) => checkBlock(block, triggers, targets, reachability)),
    ...graph.blocks.flatMap((block) => checkShortcuts(block, graph, reachability)),
  ];
}

function checkBlock(
  block: Block,
  triggers: readonly Block[],
  targets: ReadonlySet<string>,
  reachability: Reachability,
): Finding[] {
  const findings: Finding[] = [];
  const id = JSON.stringify(block.id);
  const place = { block: block.name, field: 'edges' };
  const add = <Id extends FindingId>(code: Id, values: Values<Id>, key = id): void => {
    findings.push(finding(code, key, place, values));
  };
  const edges = reachability.out(block.id);
  const isTrigger = findBlockType(block.type)?.trigger ?? false;
  if (
    triggers.length > 0 &&
    !isTrigger &&
    !triggers.some((trigger) => reachability.reaches(trigger.id, block.id))
  )
    add('unreachable', { block: block.name });
  const handles = handlesOf(block);
  if (edges.length === 0 && handles.length === 0 && findBlockType(block.type)) {
    if (!targets.has(block.id)) add('isolated', { block: block.name });
    else if (!EFFECTS.includes(block.type)) add('dead_end', { block: block.name });
  }
  const wired = new Set(edges.map((edge) => edge.sourceHandle));
  // Of a thousand branches without an edge, only the first ones are named.
  for (const handle of handles.filter((name) => !wired.has(name)).slice(0, MAX_LISTED)) {
    add('branch_without_edge', { block: block.name, handle }, JSON.stringify([block.id, handle]));
  }
  return findings;
}

/** Finds edges beside a longer path from the same handle. The only edge of a handle is never one of them. */
function checkShortcuts(block: Block, graph: Graph, reachability: Reachability): Finding[] {
  const edges = reachability.out(block.id);
  if (edges.length < 2) return [];
  const ways = new Map<string | undefined, BlockSet>();
  for (const { sourceHandle, target } of edges) {
    const way = ways.get(sourceHandle) ?? reachability.emptySet();
    way.add(target);
    ways.set(sourceHandle, way);
  }
  return edges
    .filter((edge) => reachability.isStrictlyBelow(edge.target, ways.get(edge.sourceHandle)!))
    .map((edge) =>
      finding('shortcut_edge', edgeKey(edge), { block: block.name, field: 'edges' }, () => ({
        block: block.name,
        target: graph.blocks.find(({ id }) => id === edge.target)?.name ?? edge.target,
      })),
    );
}
