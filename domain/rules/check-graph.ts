/** Checks a whole graph. An edit is judged by the difference: it is rejected only for errors that it introduces. */
import { findBlockType, handlesOf, hasHandle, nearestNames } from './block-registry.ts';
import { checkConditions } from './check-conditions.ts';
import { checkConfig, type RulePorts } from './check-config.ts';
import { checkFlow } from './check-flow.ts';
import { checkReferences } from './check-references.ts';
import { edgeKey } from '../graph/edge.ts';
import { nameKey } from '../graph/find-block.ts';
import { type Finding, finding, type FindingId, listed, MAX_LISTED, type Values } from './finding.ts';
import type { Block, Edge, Graph } from '../graph/graph.ts';
import { MAX_BLOCKS, MAX_EDGES } from '../graph/limits.ts';
import { computeReachability, type Reachability } from './reachability.ts';
import { isReferenceName } from './reference.ts';
import { nearestHint } from './report.ts';

export { MAX_BLOCKS, MAX_EDGES };

/**
 * All findings of a graph, in no particular order. Never throws. `known` caches the findings of single blocks, for calls
 * with graphs that share blocks.
 */
export function checkGraph(
  graph: Graph,
  ports: RulePorts = {},
  known: Map<Block, Finding[]> = new Map(),
): Finding[] {
  const byId = new Map(graph.blocks.map((block) => [block.id, block]));
  const reachability = computeReachability(graph);
  return [
    ...checkSizes(graph),
    ...checkNames(graph.blocks),
    ...checkTriggers(graph.blocks),
    ...graph.blocks.flatMap((block) => {
      const findings = known.get(block) ?? checkConfig(block, ports);
      known.set(block, findings);
      return findings;
    }),
    ...checkEdges(graph, byId),
    ...(reachability.acyclic ? [] : checkCycles(graph, byId, reachability)),
    ...checkConditions(graph),
    ...checkReferences(graph, reachability, ports),
    ...checkFlow(graph, reachability),
  ];
}

/** One finding for each item above the allowed number. An edit that lowers the number then introduces no finding. */
function excess(count: number, allowed: number, toFinding: (key: string) => Finding): Finding[] {
  return Array.from({ length: Math.max(0, count - allowed) }, (_, index) => toFinding(String(index)));
}

function checkSizes({ blocks, edges }: Graph): Finding[] {
  const tooMany = (id: 'too_many_blocks' | 'too_many_edges', max: number, count: number): Finding[] =>
    excess(count, max, (key) => finding(id, key, { block: null, field: null }, { max, count }));
  return [
    ...tooMany('too_many_blocks', MAX_BLOCKS, blocks.length),
    ...tooMany('too_many_edges', MAX_EDGES, edges.length),
  ];
}

function checkNames(blocks: readonly Block[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, Block>();
  for (const block of blocks) {
    const name = nameKey(block.name);
    const place = { block: block.name, field: 'name' };
    if (seen.has(name)) {
      const toValues = () => ({ name: block.name, free: freeName(block.name, blocks) });
      findings.push(finding('duplicate_name', JSON.stringify([block.id, name]), place, toValues));
    } else seen.set(name, block);
    // Editors tell blocks of equal name apart by `Name #n`. Blocks may keep such a name, but an edit may not give one.
    if (!isReferenceName(block.name) || block.name.trim() === '') {
      const values = { name: block.name || 'An empty name' };
      findings.push(finding('invalid_name', JSON.stringify([block.id, block.name]), place, values));
    }
  }
  return findings;
}

/** The name itself, or with the first number behind it that no block has. */
export function freeName(name: string, blocks: readonly Block[]): string {
  const taken = new Set(blocks.map((block) => nameKey(block.name)));
  if (!taken.has(nameKey(name))) return name;
  for (let n = 2; ; n++) if (!taken.has(nameKey(`${name} ${n}`))) return `${name} ${n}`;
}

function checkTriggers(blocks: readonly Block[]): Finding[] {
  const triggers = blocks.filter((block) => findBlockType(block.type)?.trigger);
  if (triggers.length > 1) {
    // The key is a number, not a block: which trigger is the second one depends on the order of the blocks.
    const place = { block: triggers.at(-1)!.name, field: null };
    const values = { trigger: triggers[0]!.name };
    return excess(triggers.length, 1, (key) => finding('second_trigger', key, place, values));
  }
  return triggers.length === 0 && blocks.length > 0
    ? [finding('no_trigger', '', { block: null, field: null }, {})]
    : [];
}

/** Adds a finding about an edge. */
type Tell = <Id extends FindingId>(id: Id, block: string, values: Values<Id>) => void;

function checkEdges(graph: Graph, byId: ReadonlyMap<string, Block>): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const edge of graph.edges) {
    const key = edgeKey(edge);
    const from = byId.get(edge.source);
    const to = byId.get(edge.target);
    const source = from?.name ?? edge.source;
    const target = to?.name ?? edge.target;
    const shown = `${source} -> ${target}`;
    const tell: Tell = (id, block, values) =>
      void findings.push(finding(id, key, { block, field: 'edges' }, values));
    if (!from || !to) tell('dangling_edge', source, { edge: shown });
    if (seen.has(key)) tell('duplicate_edge', source, { edge: shown });
    seen.add(key);
    if (edge.source === edge.target) tell('self_edge', source, { source });
    if (to && findBlockType(to.type)?.trigger) tell('edge_into_trigger', target, { target });
    if (from && findBlockType(from.type)?.terminal) tell('edge_out_of_response', source, { source });
    if (from && findBlockType(from.type)) checkHandle(edge, from, target, tell);
  }
  return findings;
}

function checkHandle(edge: Edge, from: Block, target: string, tell: Tell): void {
  const handles = handlesOf(from);
  const given = edge.sourceHandle;
  const source = from.name;
  const shown = `${source} -> ${target}`;
  const handle = (given ?? '').slice(0, 60);
  if (handles.length === 0) {
    if (given !== undefined) tell('handle_not_allowed', source, { edge: shown, handle });
  } else if (given === undefined) {
    tell('handle_required', source, { edge: shown, handles: listed(handles) });
  } else if (!hasHandle(from, given)) {
    tell('unknown_handle', source, {
      source,
      handle,
      target,
      nearest: nearestHint(nearestHandle(given, handles)),
      handles: listed(handles),
    });
  }
}

/** Words that models use for the handles of a condition. */
const HANDLE_WORDS: ReadonlyMap<string, string> = new Map([
  ['true', 'if'],
  ['yes', 'if'],
  ['then', 'if'],
  ['false', 'else'],
  ['no', 'else'],
  ['otherwise', 'else'],
  ['default', 'else'],
  ['elif', 'elif_1'],
]);

function nearestHandle(given: string, handles: readonly string[]): string[] {
  const meant = HANDLE_WORDS.get(given.toLowerCase());
  if (meant !== undefined && handles.includes(meant)) return [meant];
  return nearestNames(given.slice(0, 60), handles, 1).filter((handle) => /^\D/.test(handle));
}

/** Finds the edges on cycles: an edge is on a cycle when its target leads back to its source. */
function checkCycles(graph: Graph, byId: ReadonlyMap<string, Block>, reachability: Reachability): Finding[] {
  const next = new Map<string, string[]>();
  for (const edge of graph.edges) {
    if (edge.source === edge.target || !byId.has(edge.source) || !byId.has(edge.target)) continue;
    const list = next.get(edge.source);
    if (list) list.push(edge.target);
    else next.set(edge.source, [edge.target]);
  }
  return graph.edges
    .filter(
      (edge) =>
        edge.source !== edge.target &&
        byId.has(edge.source) &&
        byId.has(edge.target) &&
        reachability.reaches(edge.target, edge.source),
    )
    .map((edge) =>
      finding('edge_cycle', edgeKey(edge), { block: byId.get(edge.source)!.name, field: 'edges' }, () => {
        const path = [edge.source, ...findPath(edge.target, edge.source, next)].map(
          (id) => byId.get(id)?.name ?? id,
        );
        // A long cycle is shortened in the middle, so that its last block still shows how it closes.
        const shown =
          path.length <= MAX_LISTED ? path : [...path.slice(0, MAX_LISTED - 2), '...', path.at(-1)!];
        return { path: shown.join(' -> ') };
      }),
    );
}

function findPath(from: string, to: string, next: ReadonlyMap<string, readonly string[]>): string[] {
  const before = new Map<string, string | null>([[from, null]]);
  const queue = [from];
  for (const id of queue) {
    if (id === to) break;
    for (const child of next.get(id) ?? []) {
      if (before.has(child)) continue;
      before.set(child, id);
      queue.push(child);
    }
  }
  const path: string[] = [];
  for (let id: string | null | undefined = to; id !== null && id !== undefined; id = before.get(id))
    path.push(id);
  return path.reverse();
}
