/**
 * One edit of a graph by the model: atomic, judged by what it introduces.
 *
 * Order within a call: add blocks, update blocks, remove edges, remove blocks, add edges. References are looked up in
 * the graph as the earlier parts have left it. Blocks that the call does not name stay byte-equal.
 */
import { blockTypes, findBlockType, nearestNames, withDefaults } from './block-registry.ts';
import { checkGraph, freeName, type Problem, problem } from './check-graph.ts';
import { edgeKey, normalHandle, toEdge } from './edge.ts';
import { indexBlocks, nameKey } from './find-block.ts';
import type { Block, Edge, Graph, JsonObject, Position } from './graph.ts';
import { isObject, jsonEqual, mergePatch } from './json.ts';
import { layOut } from './layout.ts';
import { isReferenceName, renameReferences } from './reference.ts';

interface EdgeEdit {
  source: string;
  target: string;
  sourceHandle?: string | null | undefined;
}

/** The arguments of modify_workflow. Null and absent mean the same. */
export interface GraphEdit {
  add_blocks?:
    | {
        id?: string | null | undefined;
        type: string;
        name: string;
        config?: JsonObject | null | undefined;
        position?: Position | null | undefined;
      }[]
    | null
    | undefined;
  update_blocks?:
    | {
        id: string;
        config?: JsonObject | null | undefined;
        name?: string | null | undefined;
        position?: Position | null | undefined;
        enabled?: boolean | null | undefined;
      }[]
    | null
    | undefined;
  remove_blocks?: string[] | null | undefined;
  add_edges?: EdgeEdit[] | null | undefined;
  remove_edges?: EdgeEdit[] | null | undefined;
}

export interface GraphChanges {
  added?: { id: string; name: string; type: string }[];
  updated?: string[];
  removed?: string[];
  /** `from -> to`, by name. */
  edges_added?: string[];
  edges_removed?: string[];
  /** References that a rename rewrote, by the block that holds them. */
  references_rewritten?: string[];
}

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

const MAX_LISTED = 20;

/**
 * Applies an edit, or says what is wrong with it. `aliases` are those of earlier edits of the turn. Where a block's id
 * is its name (an editor that sends names as ids), renaming it gives it a new id.
 */
export function editGraph(input: {
  graph: Graph;
  edit: GraphEdit;
  newId: () => string;
  aliases: ReadonlyMap<string, string>;
}): EditOutcome {
  const draft = new Draft(input.graph, input.aliases);
  const { edit } = input;
  const parts = [edit.add_blocks, edit.update_blocks, edit.remove_blocks, edit.add_edges, edit.remove_edges];
  if (parts.every((part) => !part || part.length === 0)) {
    return {
      applied: false,
      problems: [
        problem(
          'error',
          'empty_edit',
          null,
          'The call changes nothing.',
          'Give at least one of add_blocks, update_blocks, remove_blocks, add_edges, remove_edges.',
        ),
      ],
    };
  }
  const unplaced = new Set<string>();
  for (const added of edit.add_blocks ?? []) draft.addBlock(added, input.newId, unplaced);
  for (const update of edit.update_blocks ?? []) draft.updateBlock(update);
  for (const edge of edit.remove_edges ?? []) draft.removeEdge(edge);
  for (const ref of edit.remove_blocks ?? []) draft.removeBlock(ref);
  for (const edge of edit.add_edges ?? []) draft.addEdge(edge);
  draft.place(unplaced);
  return draft.conclude(input.graph);
}

/** The graph while an edit is applied to it. Faults of the edit itself gather in `problems`; nothing stops early. */
class Draft {
  private blocks: Block[];
  private edges: Edge[];
  private readonly aliases: Map<string, string>;
  private readonly problems: Problem[] = [];
  private readonly changes: Required<GraphChanges> = {
    added: [],
    updated: [],
    removed: [],
    edges_added: [],
    edges_removed: [],
    references_rewritten: [],
  };
  /** Ids before a rename, by the id after it: the same block, for telling old faults from new ones. */
  private readonly formerIds = new Map<string, string>();
  /** Names that a rename of this call took away; they still find their block. */
  private readonly formerNames = new Map<string, string>();
  private index: ReturnType<typeof indexBlocks> | null = null;

  constructor(graph: Graph, aliases: ReadonlyMap<string, string>) {
    this.blocks = [...graph.blocks];
    this.edges = [...graph.edges];
    this.aliases = new Map(aliases);
  }

  addBlock(
    added: NonNullable<GraphEdit['add_blocks']>[number],
    newId: () => string,
    unplaced: Set<string>,
  ): void {
    const blockType = findBlockType(added.type);
    const name = added.name.trim();
    if (!blockType) {
      const nearest = nearestNames(
        added.type,
        blockTypes.map((known) => known.type),
        3,
      );
      this.problems.push(
        problem(
          'error',
          'unknown_block_type',
          name,
          `There is no block type ${added.type.slice(0, 60) || '(empty)'}.`,
          `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}All: ${blockTypes.map((known) => known.type).join(', ')}.`,
          'type',
        ),
      );
    }
    this.checkNewName(name, null);
    const config = added.config ?? {};
    this.checkServerOwned(added.type, name, config);
    const id = newId();
    if (added.id !== null && added.id !== undefined && added.id !== '') {
      if (this.blocks.some((block) => block.id === added.id) || this.isLiveAlias(added.id)) {
        this.problems.push(
          problem(
            'error',
            'duplicate_id',
            name,
            `The id ${added.id.slice(0, 60)} names another block already.`,
            'Choose another id, or leave it out.',
            'id',
          ),
        );
      } else this.aliases.set(added.id, id);
    }
    this.setBlocks([
      ...this.blocks,
      {
        id,
        type: added.type,
        name,
        position: added.position ?? { x: 0, y: 0 },
        config: blockType ? withDefaults(blockType, config) : config,
        enabled: true,
      },
    ]);
    if (!added.position) unplaced.add(id);
    this.changes.added.push({ id, name, type: added.type });
  }

  updateBlock(update: NonNullable<GraphEdit['update_blocks']>[number]): void {
    const block = this.find(update.id, 'update_blocks');
    if (!block) return;
    let config = block.config;
    if (isObject(update.config)) {
      this.checkServerOwned(block.type, block.name, update.config, block.config);
      config = mergePatch(block.config, update.config) as JsonObject;
    }
    const name = update.name?.trim() ?? block.name;
    const renamed = name !== block.name;
    if (renamed) this.checkNewName(name, block);
    const id = renamed && block.id === block.name ? name : block.id;
    const next: Block = {
      ...block,
      id,
      name,
      config: jsonEqual(config, block.config) ? block.config : config,
      position: update.position ?? block.position,
      enabled: update.enabled ?? block.enabled,
    };
    if (id === block.id) this.setBlocks(this.blocks.map((other) => (other === block ? next : other)));
    // A new id is a new block to the user's editor, and new blocks stand at the end.
    else this.setBlocks([...this.blocks.filter((other) => other !== block), next]);
    if (renamed) this.follow(block, next);
    if (!this.changes.updated.includes(block.name)) this.changes.updated.push(block.name);
  }

  removeBlock(ref: string): void {
    const block = this.find(ref, 'remove_blocks');
    if (!block) return;
    const touching = this.edges.filter((edge) => edge.source === block.id || edge.target === block.id);
    for (const edge of touching) this.changes.edges_removed.push(this.describe(edge));
    this.edges = this.edges.filter((edge) => !touching.includes(edge));
    this.setBlocks(this.blocks.filter((other) => other !== block));
    this.changes.removed.push(block.name);
  }

  addEdge(edit: EdgeEdit): void {
    const source = this.find(edit.source, 'add_edges');
    const target = this.find(edit.target, 'add_edges');
    if (!source || !target) return;
    const edge = toEdge({ source: source.id, target: target.id, sourceHandle: edit.sourceHandle });
    this.edges.push(edge);
    this.changes.edges_added.push(this.describe(edge));
  }

  removeEdge(edit: EdgeEdit): void {
    const source = this.find(edit.source, 'remove_edges');
    const target = this.find(edit.target, 'remove_edges');
    if (!source || !target) return;
    const between = this.edges.filter((edge) => edge.source === source.id && edge.target === target.id);
    const handle = normalHandle(edit.sourceHandle);
    const named = between.filter((edge) => edge.sourceHandle === handle);
    // Without a handle, the only edge between two blocks is meant.
    const edge = named[0] ?? (handle === undefined && between.length === 1 ? between[0] : undefined);
    if (!edge) {
      const handles = between.map((other) => other.sourceHandle ?? 'output');
      this.problems.push(
        problem(
          'error',
          'unknown_edge',
          source.name,
          `There is no such edge ${source.name} -> ${target.name}.`,
          handles.length > 0 ? `Between them: sourceHandle ${handles.join(', ')}.` : null,
          'remove_edges',
        ),
      );
      return;
    }
    this.edges = this.edges.filter((other) => other !== edge);
    this.changes.edges_removed.push(this.describe(edge));
  }

  place(unplaced: ReadonlySet<string>): void {
    const positions = layOut(this.blocks, this.edges, unplaced);
    this.setBlocks(
      this.blocks.map((block) =>
        positions.has(block.id) ? { ...block, position: positions.get(block.id)! } : block,
      ),
    );
  }

  conclude(before: Graph): EditOutcome {
    const graph = { blocks: this.blocks, edges: this.edges };
    const old = new Set(checkGraph(this.asRenamed(before)).map((found) => found.key));
    const fresh = checkGraph(graph)
      .filter((found) => !old.has(found.key))
      .map((found) => found.problem);
    const reported = new Set(this.problems.map((found) => `${found.code} ${found.block}`));
    const errors = [
      ...this.problems,
      ...fresh.filter((found) => found.severity === 'error' && !reported.has(`${found.code} ${found.block}`)),
    ];
    if (errors.length > 0) return { applied: false, problems: errors.slice(0, MAX_LISTED) };
    const changes = Object.fromEntries(
      Object.entries(this.changes).filter(([, list]) => list.length > 0),
    ) as GraphChanges;
    const warnings = fresh.filter((found) => found.severity === 'warning').slice(0, MAX_LISTED);
    return { applied: true, graph, changes, warnings, aliases: this.aliases };
  }

  private setBlocks(blocks: Block[]): void {
    this.blocks = blocks;
    this.index = null;
  }

  private isLiveAlias(alias: string): boolean {
    const id = this.aliases.get(alias);
    return id !== undefined && this.blocks.some((block) => block.id === id);
  }

  private find(ref: string, field: string): Block | null {
    this.index ??= indexBlocks(this.blocks);
    const byId = this.blocks.find((block) => block.id === ref);
    if (byId) return byId;
    const alias = this.aliases.get(ref) ?? this.formerNames.get(nameKey(ref));
    const aliased = alias === undefined ? undefined : this.blocks.find((block) => block.id === alias);
    if (aliased) return aliased;
    const found = this.index.find(ref);
    if ('block' in found) return found.block;
    const names = this.blocks.map((block) => block.name);
    this.problems.push(
      found.error === 'ambiguous'
        ? problem(
            'error',
            'ambiguous_name',
            ref.slice(0, 100),
            `Several blocks are named ${ref.slice(0, 100)}.`,
            `Use an id: ${this.blocks
              .filter((block) => nameKey(block.name) === nameKey(ref))
              .slice(0, 5)
              .map((block) => block.id)
              .join(', ')}`,
            field,
          )
        : problem(
            'error',
            'unknown_block',
            ref.slice(0, 100),
            `There is no block ${ref.slice(0, 100) || '(empty)'}.`,
            hintNames(nearestNames(ref, names, 3), names),
            field,
          ),
    );
    return null;
  }

  private checkNewName(name: string, block: Block | null): void {
    const label = block?.name ?? name;
    if (name === '' || !isReferenceName(name)) {
      const suggestion = name
        .replace(/[^\p{L}\p{N}_ -]+/gu, ' ')
        .replace(/\s+/g, ' ')
        .trim();
      this.problems.push(
        problem(
          'error',
          'invalid_name',
          label,
          `${name.slice(0, 100) || 'An empty name'} can't be used in references: letters, digits, _, space and - only.`,
          suggestion === '' ? null : `For example: ${suggestion}`,
          'name',
        ),
      );
      return;
    }
    const others = this.blocks.filter((other) => other !== block);
    if (
      others.some((other) => nameKey(other.name) === nameKey(name) || nameKey(other.id) === nameKey(name))
    ) {
      this.problems.push(
        problem(
          'error',
          'duplicate_name',
          label,
          `Another block is named ${name} already.`,
          `A free name: ${freeName(name, others)}`,
          'name',
        ),
      );
    }
  }

  private checkServerOwned(type: string, name: string, patch: JsonObject, current: JsonObject = {}): void {
    for (const field of findBlockType(type)?.fields ?? []) {
      if (!field.serverOwned || !Object.hasOwn(patch, field.name)) continue;
      if (jsonEqual(patch[field.name], current[field.name])) continue;
      this.problems.push(
        problem(
          'error',
          'server_owned_field',
          name,
          `${field.name} is given by the platform and can't be set.`,
          `Leave ${field.name} out.`,
          field.name,
        ),
      );
    }
  }

  /** A renamed block keeps its edges, its aliases and everything that refers to it. */
  private follow(from: Block, to: Block): void {
    this.formerNames.set(nameKey(from.name), to.id);
    if (to.id !== from.id) {
      this.formerIds.set(to.id, this.formerIds.get(from.id) ?? from.id);
      const moved: Edge[] = [];
      this.edges = this.edges.filter((edge) => {
        if (edge.source !== from.id && edge.target !== from.id) return true;
        moved.push({
          ...edge,
          source: edge.source === from.id ? to.id : edge.source,
          target: edge.target === from.id ? to.id : edge.target,
        });
        return false;
      });
      this.edges.push(...moved);
      for (const [alias, id] of this.aliases) if (id === from.id) this.aliases.set(alias, to.id);
    }
    // References can only spell some names; where another block still has the old name, they are that block's.
    if (this.blocks.some((block) => block !== to && nameKey(block.name) === nameKey(from.name))) return;
    if (!isReferenceName(to.name)) return;
    this.setBlocks(
      this.blocks.map((block) => {
        const config = renameReferences(block.config, from.name, to.name);
        if (config === block.config) return block;
        this.changes.references_rewritten.push(block.name);
        return { ...block, config };
      }),
    );
  }

  private describe(edge: Edge): string {
    const name = (id: string): string => this.blocks.find((block) => block.id === id)?.name ?? id;
    const handle = edge.sourceHandle === undefined ? '' : ` [${edge.sourceHandle}]`;
    return `${name(edge.source)}${handle} -> ${name(edge.target)}`;
  }

  /** The graph before the edit with the ids after it, so that a renamed block's old faults are recognised. */
  private asRenamed(graph: Graph): Graph {
    if (this.formerIds.size === 0) return graph;
    const now = new Map([...this.formerIds].map(([to, from]) => [from, to]));
    const rename = (id: string): string => now.get(id) ?? id;
    return {
      blocks: graph.blocks.map((block) => (now.has(block.id) ? { ...block, id: rename(block.id) } : block)),
      edges: graph.edges.map((edge) => ({
        ...edge,
        source: rename(edge.source),
        target: rename(edge.target),
      })),
    };
  }
}

function hintNames(nearest: string[], names: string[]): string {
  if (nearest.length > 0) return `Nearest: ${nearest.join(', ')}`;
  return names.length === 0
    ? 'The workflow has no blocks yet.'
    : `Blocks: ${names.slice(0, MAX_LISTED).join(', ')}`;
}

/** What a tool result shows of a graph. */
export function describeGraph(graph: Graph): {
  blocks: { id: string; name: string; type: string }[];
  edges: Edge[];
} {
  return { blocks: graph.blocks.map(({ id, name, type }) => ({ id, name, type })), edges: graph.edges };
}

/** Equal as graphs: the same blocks by id and the same set of edges; order does not count. */
export function graphsEqual(a: Graph, b: Graph): boolean {
  if (a.blocks.length !== b.blocks.length || a.edges.length !== b.edges.length) return false;
  const blocks = new Map(b.blocks.map((block) => [block.id, block]));
  const edges = new Set(b.edges.map(edgeKey));
  return (
    a.edges.every((edge) => edges.has(edgeKey(edge))) &&
    a.blocks.every((block) => {
      const other = blocks.get(block.id);
      return (
        other !== undefined &&
        block.type === other.type &&
        block.name === other.name &&
        block.enabled === other.enabled &&
        block.position.x === other.position.x &&
        block.position.y === other.position.y &&
        jsonEqual(block.config, other.config)
      );
    })
  );
}
