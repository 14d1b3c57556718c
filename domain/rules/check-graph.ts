/** What is wrong with a graph. An edit is judged by the difference: only faults that it introduces count against it. */
import { findBlockType, handlesOf, hasHandle } from './block-registry.ts';
import { checkConfig, type RulePorts } from './check-config.ts';
import { checkFlow } from './check-flow.ts';
import { checkReferences } from './check-references.ts';
import { edgeKey } from '../graph/edge.ts';
import { nameKey } from '../graph/find-block.ts';
import {
  type Finding,
  finding,
  lazyFinding,
  listed,
  MAX_LISTED,
  type Problem,
  problem,
  type ProblemCode,
} from './finding.ts';
import type { Block, Edge, Graph } from '../graph/graph.ts';
import { MAX_BLOCKS, MAX_EDGES } from '../graph/limits.ts';
import { computeReachability, type Reachability } from './reachability.ts';
import { isReferenceName } from './reference.ts';

export { MAX_BLOCKS, MAX_EDGES };

/**
 * Every fault and doubt of a graph, in no particular order. Never throws. `known` keeps what was found in single blocks
 * from one call to the next, for graphs that share blocks.
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
    ...checkReferences(graph, reachability, ports),
    ...checkFlow(graph, reachability),
  ];
}

/** One finding for each step beyond what is allowed, so that an edit which only makes less of it has no new one. */
function excess(count: number, allowed: number, found: Problem): Finding[] {
  return Array.from({ length: Math.max(0, count - allowed) }, (_, index) => finding(String(index), found));
}

function checkSizes({ blocks, edges }: Graph): Finding[] {
  const tooMany = (code: ProblemCode, what: string, max: number, count: number): Finding[] =>
    excess(
      count,
      max,
      problem(
        'error',
        code,
        null,
        `A workflow has at most ${max} ${what} (this one would have ${count}).`,
        'Split the work over several workflows.',
      ),
    );
  return [
    ...tooMany('too_many_blocks', 'blocks', MAX_BLOCKS, blocks.length),
    ...tooMany('too_many_edges', 'edges', MAX_EDGES, edges.length),
  ];
}

function checkNames(blocks: readonly Block[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, Block>();
  for (const block of blocks) {
    const name = nameKey(block.name);
    if (seen.has(name)) {
      findings.push(
        lazyFinding(
          { severity: 'error', code: 'duplicate_name', block: block.name },
          JSON.stringify([block.id, name]),
          () =>
            problem(
              'error',
              'duplicate_name',
              block.name,
              `Another block is named ${block.name} already.`,
              `A free name: ${freeName(block.name, blocks)}`,
              'name',
            ),
        ),
      );
    } else seen.set(name, block);
    // `Name #n` is how an editor tells blocks of equal name apart: fine where it stands, not for new names.
    if (!isReferenceName(block.name) || block.name.trim() === '') {
      findings.push(
        finding(
          JSON.stringify([block.id, block.name]),
          problem(
            'error',
            'invalid_name',
            block.name,
            `${block.name || 'An empty name'} can't be used in references.`,
            'Use letters, digits, _, space and - only.',
            'name',
          ),
        ),
      );
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
    // Counted, not named: which of two triggers is the second one changes with the order of the blocks.
    return excess(
      triggers.length,
      1,
      problem(
        'error',
        'second_trigger',
        triggers.at(-1)!.name,
        `A workflow has exactly one trigger, and ${triggers[0]!.name} is it.`,
        'Change that trigger, or remove it in the same call.',
      ),
    );
  }
  if (triggers.length === 0 && blocks.length > 0) {
    return [
      finding(
        '',
        problem(
          'warning',
          'no_trigger',
          null,
          'The workflow has no trigger yet.',
          'Add a starter or a webhook.',
        ),
      ),
    ];
  }
  return [];
}

function checkEdges(graph: Graph, byId: ReadonlyMap<string, Block>): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const edge of graph.edges) {
    const key = edgeKey(edge);
    const source = byId.get(edge.source);
    const target = byId.get(edge.target);
    const from = source?.name ?? edge.source;
    const to = target?.name ?? edge.target;
    const add = (code: ProblemCode, block: string, message: string, hint: string | null = null): void => {
      findings.push(finding(key, problem('error', code, block, message, hint, 'edges')));
    };
    if (!source || !target)
      add('dangling_edge', from, `The edge ${from} -> ${to} has an end that names no block.`);
    if (seen.has(key)) add('duplicate_edge', from, `The edge ${from} -> ${to} is there already.`);
    seen.add(key);
    if (edge.source === edge.target) add('self_edge', from, `${from} can't be connected to itself.`);
    if (target && findBlockType(target.type)?.trigger) {
      add('edge_into_trigger', to, `${to} is the trigger: no edge goes into it.`);
    }
    if (source && findBlockType(source.type)?.terminal) {
      add('edge_out_of_response', from, `${from} ends the workflow: no edge goes out of it.`);
    }
    if (source && findBlockType(source.type)) checkHandle(edge, source, to, add);
  }
  return findings;
}

function checkHandle(
  edge: Edge,
  source: Block,
  to: string,
  add: (code: ProblemCode, block: string, message: string, hint: string | null) => void,
): void {
  const handles = handlesOf(source);
  const handle = edge.sourceHandle;
  if (handles.length === 0) {
    if (handle !== undefined) {
      add(
        'handle_not_allowed',
        source.name,
        `The edge ${source.name} -> ${to} must not have a sourceHandle.`,
        `Only condition and split blocks have handles; leave ${handle.slice(0, 60)} out.`,
      );
    }
  } else if (handle === undefined) {
    add(
      'handle_required',
      source.name,
      `The edge ${source.name} -> ${to} needs a sourceHandle.`,
      `One of: ${listed(handles)}`,
    );
  } else if (!hasHandle(source, handle)) {
    add(
      'unknown_handle',
      source.name,
      `${source.name} has no handle ${handle.slice(0, 60)} for the edge to ${to}.`,
      `Its handles: ${listed(handles)}. An edge of a branch that goes away must be removed in the same call.`,
    );
  }
}

/** An edge whose target leads back to its source is on a cycle. */
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
      lazyFinding(
        { severity: 'error', code: 'edge_cycle', block: byId.get(edge.source)!.name },
        edgeKey(edge),
        () => {
          const path = [edge.source, ...findPath(edge.target, edge.source, next)].map(
            (id) => byId.get(id)?.name ?? id,
          );
          // The end closes the circle: of a long way round the middle goes.
          const shown =
            path.length <= MAX_LISTED ? path : [...path.slice(0, MAX_LISTED - 2), '...', path.at(-1)!];
          return problem(
            'error',
            'edge_cycle',
            byId.get(edge.source)!.name,
            `The edges form a cycle: ${shown.join(' -> ')}.`,
            'Data flows one way; leave out the edge that goes back.',
            'edges',
          );
        },
      ),
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
