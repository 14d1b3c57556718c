/** What is wrong with a graph. An edit is judged by the difference: only faults that it introduces count against it. */
import { blockTypes, checkFieldValue, findBlockType, handlesOf, nearestNames } from './block-registry.ts';
import { edgeKey } from './edge.ts';
import { nameKey } from './find-block.ts';
import type { Block, Edge, Graph } from './graph.ts';
import { getKey } from './json.ts';
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
  code: string;
  /** Made when it is read: of a faulty graph's many findings only the new ones are ever told. */
  readonly problem: Problem;
}

export const MAX_BLOCKS = 1_000;
export const MAX_EDGES = 4_000;
export const MAX_CONFIG_BYTES = 64 * 1024;
export const MAX_CODE_BYTES = 32 * 1024;

/** Names in one message or hint at most. */
const MAX_LISTED = 20;

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

/**
 * Every fault and doubt of a graph, in no particular order. Never throws. `known` keeps what was found in single blocks
 * from one call to the next, for graphs that share blocks.
 */
export function checkGraph(graph: Graph, known: Map<Block, Finding[]> = new Map()): Finding[] {
  const byId = new Map(graph.blocks.map((block) => [block.id, block]));
  return [
    ...checkSizes(graph),
    ...checkNames(graph.blocks),
    ...checkTriggers(graph.blocks),
    ...graph.blocks.flatMap((block) => {
      const findings = known.get(block) ?? checkBlock(block);
      known.set(block, findings);
      return findings;
    }),
    ...checkEdges(graph, byId),
    ...checkCycles(graph, byId),
    ...checkReferences(graph),
    ...checkFlow(graph, byId),
  ];
}

function finding(key: string, found: Problem): Finding {
  return { key: `${found.code} ${key}`, code: found.code, problem: found };
}

function lazyFinding(code: string, key: string, make: () => Problem): Finding {
  return {
    key: `${code} ${key}`,
    code,
    get problem() {
      return make();
    },
  };
}

/** One finding for each step beyond what is allowed, so that an edit which only makes less of it has no new one. */
function excess(count: number, allowed: number, found: Problem): Finding[] {
  return Array.from({ length: Math.max(0, count - allowed) }, (_, index) => finding(String(index), found));
}

/** Bytes of a text in UTF-8. Lone surrogates count as what replaces them. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // A surrogate pair is two units and four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}

function checkSizes({ blocks, edges }: Graph): Finding[] {
  const tooMany = (code: string, what: string, max: number, count: number): Finding[] =>
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
        lazyFinding('duplicate_name', JSON.stringify([block.id, name]), () =>
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

/** The problem of a type that is none of ours, with the nearest ones. */
export function unknownType(block: string, type: string): Problem {
  const known = blockTypes.map((blockType) => blockType.type);
  const nearest = nearestNames(type, known, 3);
  return problem(
    'error',
    'unknown_block_type',
    block,
    `There is no block type ${type.slice(0, 60) || '(empty)'}.`,
    `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}All: ${known.join(', ')}.`,
    'type',
  );
}

function checkBlock(block: Block): Finding[] {
  const blockType = findBlockType(block.type);
  const id = JSON.stringify(block.id);
  if (!blockType) {
    return [
      lazyFinding('unknown_block_type', `${id} ${block.type}`, () => unknownType(block.name, block.type)),
    ];
  }
  const findings: Finding[] = [];
  if (utf8Bytes(JSON.stringify(block.config)) > MAX_CONFIG_BYTES) {
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
    if (key === 'code' && typeof value === 'string' && utf8Bytes(value) > MAX_CODE_BYTES) {
      findings.push(
        finding(
          id,
          problem(
            'error',
            'code_too_long',
            block.name,
            `Code has at most ${MAX_CODE_BYTES / 1024} KB.`,
            null,
            key,
          ),
        ),
      );
    }
  }
  for (const field of blockType.fields) {
    const value = getKey(block.config, field.name);
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
      `One of: ${listed(handles)}`,
    );
  } else if (!handles.includes(handle)) {
    add(
      'unknown_handle',
      source.name,
      `${source.name} has no handle ${handle.slice(0, 60)} for the edge to ${to}.`,
      `Its handles: ${listed(handles)}. An edge of a branch that goes away must be removed in the same call.`,
    );
  }
}

function listed(names: readonly string[]): string {
  return names.length <= MAX_LISTED ? names.join(', ') : `${names.slice(0, MAX_LISTED).join(', ')}, ...`;
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
    .map((edge) =>
      lazyFinding('edge_cycle', edgeKey(edge), () => {
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
      }),
    );
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
  for (let id: string | null | undefined = to; id !== null && id !== undefined; id = before.get(id))
    path.push(id);
  return path.reverse();
}

function checkReferences(graph: Graph): Finding[] {
  const names = new Set(graph.blocks.map((block) => nameKey(block.name)));
  return graph.blocks.flatMap((block) =>
    [...new Set(findReferences(block.config))]
      .filter((name) => !names.has(nameKey(name)))
      .map((name) =>
        lazyFinding('reference_to_missing_block', JSON.stringify([block.id, nameKey(name)]), () =>
          problem(
            'warning',
            'reference_to_missing_block',
            block.name,
            `${block.name} refers to ${name}, which is no block.`,
            `Blocks: ${listed(graph.blocks.map((other) => other.name))}`,
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
    const wired = new Set((next.get(block.id) ?? []).map((edge) => edge.sourceHandle));
    for (const handle of handlesOf(block)) {
      if (!wired.has(handle)) {
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
