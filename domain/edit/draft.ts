/**
 * The graph while an edit is applied to it. The class is long and one idea: every part of an edit reads and changes the
 * same blocks, edges, aliases and renames.
 *
 * Order within a call: add blocks, update blocks, remove edges, remove blocks, add edges. References are looked up in
 * the graph as the earlier parts have left it. Blocks that the call does not name stay byte-equal.
 */
import { BlockList } from '../graph/block-list.ts';
import { normalHandle, toEdge } from '../graph/edge.ts';
import { EdgeSet } from '../graph/edge-set.ts';
import { type BlockIndex, nameKey } from '../graph/find-block.ts';
import type { Block, Edge, Graph } from '../graph/graph.ts';
import { layOut } from '../graph/layout.ts';
import { findBlockType, withDefaults } from '../rules/block-registry.ts';
import { type RulePorts, unknownType } from '../rules/check-config.ts';
import type { Problem } from '../rules/finding.ts';
import { isReferenceName } from '../rules/reference.ts';
import type { JsonObject } from '../text/json-value.ts';
import { getKey, isObject, jsonEqual, mergePatch, setKey, toStorable } from '../text/json.ts';
import { EditFaults } from './edit-faults.ts';
import {
  ambiguousName,
  duplicateEdge,
  duplicateId,
  duplicateName,
  lockedType,
  malformedName,
  nameOfDanglingEdge,
  nothingChanged,
  serverOwnedField,
  unknownBlock,
  unknownEdge,
} from './edit-problems.ts';
import type { AddedBlock, BlockUpdate, EdgeEdit, GraphEdit } from './graph-edit.ts';
import { Renames } from './renames.ts';
import { TouchedBlocks, type UpdatedBlock } from './touched-blocks.ts';

export interface GraphChanges {
  added?: { id: string; name: string; type: string }[];
  /** Without the added blocks. */
  updated?: UpdatedBlock[];
  removed?: string[];
  /** `from -> to`, by name. */
  edges_added?: string[];
  edges_removed?: string[];
  /** The blocks whose references a rename rewrote, without those that the edit removed. */
  references_rewritten?: string[];
}

/** The graph after an edit, not judged yet. */
export interface FinishedDraft {
  graph: Graph;
  /** The ids that the model gave to blocks in this turn, with the ids the blocks really have. */
  aliases: ReadonlyMap<string, string>;
  changes: Required<GraphChanges>;
  faults: EditFaults;
  /** Warnings of the edit itself. */
  notes: Problem[];
  /** The graph before the edit with the ids and names after it, so that old faults are recognised. */
  asRenamed(graph: Graph): Graph;
}

/** The graph while an edit is applied to it. Faults of the edit itself gather; nothing stops early. */
export class Draft {
  private readonly blocks: BlockList;
  private readonly edges: EdgeSet;
  private readonly aliases: Map<string, string>;
  private readonly faults = new EditFaults();
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
  /** References of remove_blocks to blocks that were there before the call, with their ids. */
  private readonly leaving = new Map<string, string>();
  private readonly leavingIds = new Set<string>();
  private readonly notes: Problem[] = [];
  private readonly touched = new TouchedBlocks();

  /** Renames whose references are rewritten: of each block when its config is next read, at the latest at the end. */
  private readonly renames: Renames;
  /** How many of them a block's config follows already; absent: none. */
  private readonly followed = new Map<Block, number>();

  constructor(graph: Graph, aliases: ReadonlyMap<string, string>, { python }: RulePorts) {
    this.renames = new Renames(python);
    this.blocks = new BlockList(graph.blocks);
    this.edges = new EdgeSet(graph.edges);
    this.aliases = new Map(aliases);
  }

  /**
   * Notes what the call is going to remove. A new block may take the name of one that goes in the same call, and the
   * reference then means the one that goes: nobody removes what they are just adding.
   */
  foresee(edit: GraphEdit): void {
    const added = new Set((edit.add_blocks ?? []).map((block) => block.id));
    for (const ref of edit.remove_blocks ?? []) {
      const block = added.has(ref) ? null : this.lookUp(ref);
      if (!block || !('block' in block)) continue;
      this.leaving.set(ref, block.block.id);
      this.leavingIds.add(block.block.id);
    }
  }

  addBlock(added: AddedBlock, newId: () => string, unplaced: Set<string>): void {
    const blockType = findBlockType(added.type);
    const name = added.name.trim();
    if (!blockType) this.faults.report(unknownType(name, added.type));
    this.checkNewName(name, null);
    const config = withoutNulls(toStorable(added.config ?? {}) as JsonObject);
    this.checkServerOwned(added.type, name, config);
    const id = newId();
    const alias = added.id ?? '';
    if (alias !== '') {
      const others = this.index.claiming(alias).filter((other) => !this.leavingIds.has(other.id));
      if (this.index.withId(alias) || others.length > 0 || this.isLiveAlias(alias)) {
        this.faults.report(duplicateId(name, alias));
      } else this.aliases.set(alias, id);
    }
    const block: Block = {
      id,
      type: added.type,
      name,
      position: added.position ? { x: added.position.x, y: added.position.y } : { x: 0, y: 0 },
      config: blockType ? withDefaults(blockType, config) : config,
      enabled: true,
    };
    this.blocks.add(block);
    this.followed.set(block, this.renames.count);
    if (!added.position) unplaced.add(id);
    this.changes.added.push({ id, name, type: added.type });
  }

  updateBlock(update: BlockUpdate): void {
    const found = this.find(update.id, 'update_blocks');
    if (!found) return;
    const block = this.upToDate(found);
    if (typeof update.type === 'string' && update.type !== block.type) {
      this.faults.report(lockedType(block.name));
    }
    let config = block.config;
    if (isObject(update.config)) {
      const patch = toStorable(update.config) as JsonObject;
      this.checkServerOwned(block.type, block.name, patch, block.config);
      config = mergePatch(block.config, patch) as JsonObject;
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
      position: update.position ? { x: update.position.x, y: update.position.y } : block.position,
      enabled: update.enabled ?? block.enabled,
    };
    if (sameBlock(block, next)) {
      this.notes.push(nothingChanged(block.name));
      return;
    }
    if (id === block.id) this.blocks.replace(block, next);
    else {
      // A new id is a new block to the user's editor, and new blocks stand at the end.
      this.blocks.remove(block);
      this.blocks.add(next);
    }
    this.followed.set(next, this.renames.count);
    if (renamed) this.follow(block, next);
    this.touched.noteUpdate(block, next);
  }

  removeBlock(ref: string): void {
    const id = this.leaving.get(ref);
    // Named twice, once by id and once by name: it is gone, as was asked.
    if (id !== undefined && !this.leavingIds.has(id)) return;
    const block = (id === undefined ? undefined : this.index.withId(id)) ?? this.find(ref, 'remove_blocks');
    if (!block) return;
    if (id !== undefined) this.leavingIds.delete(id);
    for (const edge of this.edges.removeTouching(block.id))
      this.changes.edges_removed.push(this.describe(edge));
    this.blocks.remove(block);
    this.changes.removed.push(block.name);
  }

  addEdge(edit: EdgeEdit): void {
    const source = this.find(edit.source, 'add_edges');
    const target = this.find(edit.target, 'add_edges');
    if (!source || !target) return;
    const edge = toEdge({ source: source.id, target: target.id, sourceHandle: edit.sourceHandle });
    if (this.edges.has(edge)) {
      this.faults.report(duplicateEdge(source.name, this.describe(edge)));
      return;
    }
    this.edges.add(edge);
    this.changes.edges_added.push(this.describe(edge));
  }

  removeEdge(edit: EdgeEdit): void {
    const source = this.findEnd(edit.source, 'source');
    const target = this.findEnd(edit.target, 'target');
    if (source === null || target === null) return;
    const between = this.edges.between(source, target);
    const handle = normalHandle(edit.sourceHandle);
    // Without a handle, the only edge between two blocks is meant.
    const handles = new Set(between.map((edge) => edge.sourceHandle));
    const wanted = handle === undefined && handles.size === 1 ? between[0]!.sourceHandle : handle;
    if (!handles.has(wanted)) {
      this.faults.report(
        unknownEdge(
          this.nameOf(source),
          this.describe(toEdge({ source, target, sourceHandle: handle })),
          handles,
        ),
      );
      return;
    }
    const edge = between.find((other) => other.sourceHandle === wanted)!;
    // With its doubles: a diff can't tell them apart.
    this.edges.remove(edge);
    this.changes.edges_removed.push(this.describe(edge));
  }

  place(unplaced: ReadonlySet<string>): void {
    if (unplaced.size === 0) return;
    const blocks = this.blocks.list();
    const positions = layOut(blocks, this.edges.list(), unplaced);
    for (const block of blocks) {
      const position = positions.get(block.id);
      if (position) this.swap(block, { ...block, position });
    }
  }

  /** Ends the draft. Every reference follows the renames now. */
  finish(): FinishedDraft {
    for (const block of this.blocks.list()) this.upToDate(block);
    const find = (id: string): Block | undefined => this.index.withId(id);
    const added = new Set(this.changes.added.map(({ id }) => id));
    this.changes.updated.push(...this.touched.listUpdated(find, added));
    this.changes.references_rewritten.push(...this.touched.listRewritten(find));
    return {
      graph: { blocks: this.blocks.list(), edges: this.edges.list() },
      aliases: this.aliases,
      changes: this.changes,
      faults: this.faults,
      notes: this.notes,
      asRenamed: (graph) => this.asRenamed(graph),
    };
  }

  private get index(): BlockIndex {
    return this.blocks.index;
  }

  /** The block with its references as the renames so far have left them. */
  private upToDate(block: Block): Block {
    const config = this.renames.apply(block.config, this.followed.get(block) ?? 0);
    if (config === block.config) {
      this.followed.set(block, this.renames.count);
      return block;
    }
    this.touched.noteRewritten(block);
    const next = { ...block, config };
    this.blocks.replace(block, next);
    this.followed.set(next, this.renames.count);
    return next;
  }

  /** Puts a block into the place of another, its references as they were. */
  private swap(block: Block, next: Block): void {
    this.blocks.replace(block, next);
    this.followed.set(next, this.followed.get(block) ?? 0);
  }

  private isLiveAlias(alias: string): boolean {
    const id = this.aliases.get(alias);
    return id !== undefined && this.index.withId(id) !== undefined;
  }

  /** By id, then by an id given earlier, then by a name that this call took away, then by name. */
  private lookUp(ref: string): ReturnType<BlockIndex['find']> {
    const named = [ref, this.aliases.get(ref), this.formerNames.get(nameKey(ref))];
    for (const id of named) {
      const block = id === undefined ? undefined : this.index.withId(id);
      if (block) return { block };
    }
    return this.index.find(ref);
  }

  /** The id of an edge's end. An end that names no block is found by what the edge says, so that it can be removed. */
  private findEnd(ref: string, end: 'source' | 'target'): string | null {
    const found = this.lookUp(ref);
    if ('error' in found && this.edges.hasEnd(ref, end)) return ref;
    return this.find(ref, 'remove_edges')?.id ?? null;
  }

  private find(ref: string, field: string): Block | null {
    const found = this.lookUp(ref);
    if ('block' in found) return found.block;
    if (this.faults.isFull) return null;
    this.faults.report(
      found.error === 'ambiguous'
        ? ambiguousName(ref, this.blocks.list(), field)
        : unknownBlock(ref, this.blocks.list(), field),
    );
    return null;
  }

  private checkNewName(name: string, block: Block | null): void {
    if (this.faults.isFull) return;
    const fail = (found: Problem): void => {
      this.faults.report({ ...found, block: block?.name ?? name });
      this.faults.tell(found.code, name);
    };
    const malformed = malformedName(name);
    if (malformed) {
      fail(malformed);
      return;
    }
    // Names that are ids can't be handed on within one call: two blocks would have one id.
    const isId = block !== null && block.id === block.name;
    const others = this.index
      .claiming(name)
      .filter((other) => other !== block && (isId || !this.leavingIds.has(other.id)));
    if (others.length > 0) {
      fail(duplicateName(name, [...this.blocks.list(), ...others]));
    } else if (isId && this.edges.hasEnd(name, 'either')) {
      fail(nameOfDanglingEdge(name));
    }
  }

  private checkServerOwned(type: string, name: string, patch: JsonObject, current: JsonObject = {}): void {
    for (const field of findBlockType(type)?.fields ?? []) {
      if (!field.serverOwned || !Object.hasOwn(patch, field.name)) continue;
      // Null removes: where nothing is, that is no change.
      if (jsonEqual(getKey(patch, field.name), getKey(current, field.name) ?? null)) continue;
      this.faults.report(serverOwnedField(name, field.name));
    }
  }

  /** A renamed block keeps its edges, its aliases and everything that refers to it. */
  private follow(from: Block, to: Block): void {
    if (to.id !== from.id)
      for (const [name, id] of this.formerNames) if (id === from.id) this.formerNames.set(name, to.id);
    this.formerNames.set(nameKey(from.name), to.id);
    this.formerNames.delete(nameKey(to.name));
    if (to.id !== from.id) {
      this.formerIds.set(to.id, this.formerIds.get(from.id) ?? from.id);
      for (const edge of this.edges.removeTouching(from.id)) {
        this.edges.add({
          ...edge,
          source: edge.source === from.id ? to.id : edge.source,
          target: edge.target === from.id ? to.id : edge.target,
        });
      }
      for (const [alias, id] of this.aliases) if (id === from.id) this.aliases.set(alias, to.id);
    }
    // References can only spell some names; where another block still has the old name, they are that block's.
    if (this.index.named(from.name).some((block) => block !== to)) return;
    if (isReferenceName(to.name)) this.renames.add({ id: to.id, from: from.name, to: to.name });
  }

  private describe(edge: Edge): string {
    const handle = edge.sourceHandle === undefined ? '' : ` [${edge.sourceHandle}]`;
    return `${this.nameOf(edge.source)}${handle} -> ${this.nameOf(edge.target)}`;
  }

  private nameOf(id: string): string {
    return this.index.withId(id)?.name ?? id;
  }

  /** The graph before the edit with the ids and names after it, so that old faults are recognised. */
  private asRenamed(graph: Graph): Graph {
    if (this.formerIds.size === 0 && this.renames.count === 0) return graph;
    const now = new Map([...this.formerIds].map(([to, from]) => [from, to]));
    const rename = (id: string): string => now.get(id) ?? id;
    const names = new Map(this.renames.list.map(({ id, to }) => [id, to]));
    const blocks = graph.blocks.map((block) => {
      const id = rename(block.id);
      const name = names.get(id) ?? block.name;
      const config = this.renames.apply(block.config, 0);
      return id === block.id && name === block.name && config === block.config
        ? block
        : { ...block, id, name, config };
    });
    return {
      blocks,
      edges: graph.edges.map((edge) => ({
        ...edge,
        source: rename(edge.source),
        target: rename(edge.target),
      })),
    };
  }
}

/** Without the keys whose value is null at the top: for an editor they are absent, and the diff could not tell them. */
function withoutNulls(config: JsonObject): JsonObject {
  const result: JsonObject = {};
  for (const key of Object.keys(config)) if (config[key] !== null) setKey(result, key, config[key]!);
  return result;
}

function sameBlock(a: Block, b: Block): boolean {
  return (
    a.id === b.id &&
    a.type === b.type &&
    a.name === b.name &&
    a.enabled === b.enabled &&
    a.position.x === b.position.x &&
    a.position.y === b.position.y &&
    jsonEqual(a.config, b.config)
  );
}
