/** What is wrong with a graph. An edit is judged by the difference: only faults that it introduces count against it. */
import { blockTypes, checkFieldValue, findBlockType, handlesOf, nearestNames } from './block-registry.ts';
import { edgeKey } from './edge.ts';
import { nameKey } from './find-block.ts';
import type { Block, Edge, Graph } from './graph.ts';
import { findReferences, isReferenceName } from './reference.ts';

export interface Problem {
  /** Stable, such as `edge_cycle`. */
  code: string;
  severity: 'error' | 'warning';
  /** The block's name, or null when no single block is to blame. */
  block: string | null;
  field: string | null;
  message: string;
  hint: string | null;
  was_there_before: boolean;
}

/** A problem with a key that names the same fault in two versions of a graph. */
export interface Finding {
  key: string;
  problem: Problem;
}

export const MAX_BLOCKS = 1_000;
export const MAX_EDGES = 4_000;
export const MAX_CONFIG_BYTES = 64 * 1024;
export const MAX_CODE_CHARS = 32 * 1024;

/** Makes a problem that the graph did not have before. */
export function problem(
  severity: Problem['severity'],
  code: string,
  block: string | null,
  message: string,
  hint: string | null = null,
  field: string | null = null,
): Problem {
  return { code, severity, block, field, message, hint, was_there_before: false };
}

/** Every fault and doubt of a graph, in no particular order. Never throws. */
export function checkGraph(graph: Graph): Finding[] {
  const byId = new Map(graph.blocks.map((block) => [block.id, block]));
  return [
    ...checkSizes(graph),
    ...checkNames(graph.blocks),
    ...checkTriggers(graph.blocks),
    ...graph.blocks.flatMap((block) => checkBlock(block)),
    ...checkEdges(graph, byId),
    ...checkCycles(graph, byId),
    ...checkReferences(graph),
    ...checkFlow(graph, byId),
  ];
}

function finding(key: string, found: Problem): Finding {
  return { key: `${found.code} ${key}`, problem: found };
}

function checkSizes(graph: Graph): Finding[] {
  const findings: Finding[] = [];
  if (graph.blocks.length > MAX_BLOCKS) {
    findings.push(
      finding(
        String(graph.blocks.length),
        problem(
          'error',
          'too_many_blocks',
          null,
          `A workflow has at most ${MAX_BLOCKS} blocks (this one would have ${graph.blocks.length}).`,
        ),
      ),
    );
  }
  if (graph.edges.length > MAX_EDGES) {
    findings.push(
      finding(
        String(graph.edges.length),
        problem(
          'error',
          'too_many_edges',
          null,
          `A workflow has at most ${MAX_EDGES} edges (this one would have ${graph.edges.length}).`,
        ),
      ),
    );
  }
  return findings;
}

function checkNames(blocks: readonly Block[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Map<string, Block>();
  for (const block of blocks) {
    const name = nameKey(block.name);
    if (seen.has(name)) {
      findings.push(
        finding(
          JSON.stringify([block.id, name]),
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
    return triggers
      .slice(1)
      .map((block) =>
        finding(
          JSON.stringify(block.id),
          problem(
            'error',
            'second_trigger',
            block.name,
            `A workflow has exactly one trigger, and ${triggers[0]!.name} is it.`,
            'Change that trigger, or remove it in the same call.',
          ),
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

function checkBlock(block: Block): Finding[] {
  const blockType = findBlockType(block.type);
  const id = JSON.stringify(block.id);
  if (!blockType) {
    const nearest = nearestNames(
      block.type,
      blockTypes.map((known) => known.type),
      3,
    );
    return [
      finding(
        `${id} ${block.type}`,
        problem(
          'error',
          'unknown_block_type',
          block.name,
          `There is no block type ${block.type.slice(0, 60) || '(empty)'}.`,
          `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}All: ${blockTypes.map((known) => known.type).join(', ')}.`,
          'type',
        ),
      ),
    ];
  }
  const findings: Finding[] = [];
  if (JSON.stringify(block.config).length > MAX_CONFIG_BYTES) {
    findings.push(
      finding(
        id,
        problem(
          'error',
          'config_too_large',
          block.name,
          `A block's config has at most ${MAX_CONFIG_BYTES / 1024} KB.`,
          null,
          'config',
        ),
      ),
    );
  }
  const fields = new Map(blockType.fields.map((field) => [field.name, field]));
  for (const [key, value] of Object.entries(block.config)) {
    const field = fields.get(key);
    if (!field) {
      findings.push(
        finding(
          JSON.stringify([block.id, key]),
          problem(
            'warning',
            'unknown_config_key',
            block.name,
            `${block.type} has no config field ${key.slice(0, 60)}.`,
            `Fields: ${[...fields.keys()].join(', ') || 'none'}.`,
            key,
          ),
        ),
      );
      continue;
    }
    const wrong = value === null ? null : checkFieldValue(field, value);
    if (wrong) {
      findings.push(
        finding(
          JSON.stringify([block.id, key, value]),
          problem('error', 'invalid_config', block.name, `${key} ${wrong}.`, null, key),
        ),
      );
    }
    if (key === 'code' && typeof value === 'string' && value.length > MAX_CODE_CHARS) {
      findings.push(
        finding(
          id,
          problem(
            'error',
            'code_too_long',
            block.name,
            `Code has at most ${MAX_CODE_CHARS / 1024} KB.`,
            null,
            key,
          ),
        ),
      );
    }
  }
  for (const field of blockType.fields) {
    const value = block.config[field.name];
    const missing = value === undefined || value === null || value === '';
    if (field.required && missing) {
      findings.push(
        finding(
          JSON.stringify([block.id, field.name]),
          problem(
            'warning',
            'missing_config',
            block.name,
            `${field.name} is required and not set.`,
            field.description,
            field.name,
          ),
        ),
      );
    }
  }
  return findings;
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
    const add = (code: string, block: string, message: string, hint: string | null = null): void => {
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
  add: (code: string, block: string, message: string, hint: string | null) => void,
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
      `One of: ${handles.join(', ')}`,
    );
  } else if (!handles.includes(handle)) {
    add(
      'unknown_handle',
      source.name,
      `${source.name} has no handle ${handle.slice(0, 60)} for the edge to ${to}.`,
      `Its handles: ${handles.join(', ')}. An edge of a branch that goes away must be removed in the same call.`,
    );
  }
}

/** Edges within a strongly connected component are the cyclic ones (Tarjan, without recursion). */
function checkCycles(graph: Graph, byId: ReadonlyMap<string, Block>): Finding[] {
  const next = new Map<string, string[]>();
  for (const edge of graph.edges) {
    if (edge.source === edge.target || !byId.has(edge.source) || !byId.has(edge.target)) continue;
    const list = next.get(edge.source);
    if (list) list.push(edge.target);
    else next.set(edge.source, [edge.target]);
  }
  const component = components(
    graph.blocks.map((block) => block.id),
    next,
  );
  return graph.edges
    .filter(
      (edge) =>
        edge.source !== edge.target &&
        component.has(edge.source) &&
        component.get(edge.source) === component.get(edge.target),
    )
    .map((edge) => {
      const path = [edge.source, ...findPath(edge.target, edge.source, next)].map(
        (id) => byId.get(id)?.name ?? id,
      );
      return finding(
        edgeKey(edge),
        problem(
          'error',
          'edge_cycle',
          byId.get(edge.source)!.name,
          `The edges form a cycle: ${path.slice(0, 20).join(' -> ')}.`,
          'Data flows one way; leave out the edge that goes back.',
          'edges',
        ),
      );
    });
}

function components(
  ids: readonly string[],
  next: ReadonlyMap<string, readonly string[]>,
): Map<string, number> {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const component = new Map<string, number>();
  const stack: string[] = [];
  let counter = 0;
  let count = 0;
  for (const root of ids) {
    if (index.has(root)) continue;
    const work: { id: string; child: number }[] = [{ id: root, child: 0 }];
    while (work.length > 0) {
      const frame = work.at(-1)!;
      const { id } = frame;
      if (frame.child === 0 && !index.has(id)) {
        index.set(id, counter);
        low.set(id, counter);
        counter += 1;
        stack.push(id);
      }
      const children = next.get(id) ?? [];
      const child = children[frame.child];
      if (child !== undefined) {
        frame.child += 1;
        if (!index.has(child)) work.push({ id: child, child: 0 });
        else if (!component.has(child)) low.set(id, Math.min(low.get(id)!, index.get(child)!));
        continue;
      }
      work.pop();
      const parent = work.at(-1);
      if (parent) low.set(parent.id, Math.min(low.get(parent.id)!, low.get(id)!));
      if (low.get(id) === index.get(id)) {
        let member: string;
        do {
          member = stack.pop()!;
          component.set(member, count);
        } while (member !== id);
        count += 1;
      }
    }
  }
  return component;
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
  for (let id: string | null | undefined = to; id; id = before.get(id)) path.unshift(id);
  return path;
}

function checkReferences(graph: Graph): Finding[] {
  const names = new Set(graph.blocks.map((block) => nameKey(block.name)));
  return graph.blocks.flatMap((block) =>
    [...new Set(findReferences(block.config))]
      .filter((name) => !names.has(nameKey(name)))
      .map((name) =>
        finding(
          JSON.stringify([block.id, nameKey(name)]),
          problem(
            'warning',
            'reference_to_missing_block',
            block.name,
            `${block.name} refers to ${name}, which is no block.`,
            `Blocks: ${graph.blocks
              .slice(0, 20)
              .map((other) => other.name)
              .join(', ')}`,
            'config',
          ),
        ),
      ),
  );
}

/** Blocks that no trigger reaches, and branches that lead nowhere. */
function checkFlow(graph: Graph, byId: ReadonlyMap<string, Block>): Finding[] {
  const next = new Map<string, Edge[]>();
  for (const edge of graph.edges) {
    const list = next.get(edge.source);
    if (list) list.push(edge);
    else next.set(edge.source, [edge]);
  }
  const reached = new Set(
    graph.blocks.filter((block) => findBlockType(block.type)?.trigger).map((block) => block.id),
  );
  const queue = [...reached];
  for (const id of queue) {
    for (const { target } of next.get(id) ?? []) {
      if (!byId.has(target) || reached.has(target)) continue;
      reached.add(target);
      queue.push(target);
    }
  }
  const findings: Finding[] = [];
  for (const block of graph.blocks) {
    const id = JSON.stringify(block.id);
    if (queue.length > 0 && !reached.has(block.id)) {
      findings.push(
        finding(
          id,
          problem(
            'warning',
            'unreachable',
            block.name,
            `${block.name} can't be reached from the trigger; it would still run.`,
            'Connect it, or remove it.',
          ),
        ),
      );
    }
    for (const handle of handlesOf(block)) {
      if (!(next.get(block.id) ?? []).some((edge) => edge.sourceHandle === handle)) {
        findings.push(
          finding(
            JSON.stringify([block.id, handle]),
            problem(
              'warning',
              'branch_without_edge',
              block.name,
              `The ${handle} branch of ${block.name} leads nowhere.`,
              null,
              'edges',
            ),
          ),
        );
      }
    }
  }
  return findings;
}
