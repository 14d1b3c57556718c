/**
 * One edit of a graph by the model: atomic, judged by what it introduces.
 *
 * Order within a call: add blocks, update blocks, remove edges, remove blocks, add edges. References are looked up in
 * the graph as the earlier parts have left it. Blocks that the call does not name stay byte-equal.
 */
import { findBlockType, nearestNames, withDefaults } from '../rules/block-registry.ts';
import { type RulePorts, unknownType } from '../rules/check-config.ts';
import { BlockList } from '../graph/block-list.ts';
import { checkGraph, freeName, MAX_BLOCKS } from '../rules/check-graph.ts';
import { referenceKey } from '../rules/check-references.ts';
import { edgeKey, normalHandle, toEdge } from '../graph/edge.ts';
import { EdgeSet } from '../graph/edge-set.ts';
import { type BlockIndex, nameKey } from '../graph/find-block.ts';
import { type Finding, MAX_LISTED, type Problem, problem, type ProblemCode } from '../rules/finding.ts';
import type { Block, Edge, Graph } from '../graph/graph.ts';
import type { JsonObject } from '../text/json-value.ts';
import {
  type AddedBlock,
  type BlockUpdate,
  checkEditShape,
  type EdgeEdit,
  type GraphEdit,
} from './graph-edit.ts';
import { getKey, isObject, jsonEqual, mergePatch, setKey, toStorable } from '../text/json.ts';
import { layOut } from '../graph/layout.ts';
import { isReferenceName, listReferences } from '../rules/reference.ts';
import { Renames } from './renames.ts';

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

/** Faults that were there before, told beside the new ones. */
const MAX_OLD = 5;
/** The platform's column. */
const MAX_NAME_CHARS = 255;

/**
 * Applies an edit, or says what is wrong with it. `aliases` are those of earlier edits of the turn. Where a block's id
 * is its name (an editor that sends names as ids), renaming it gives it a new id. Takes any JSON as the edit, and never
 * throws.
 */
export function editGraph(input: {
  graph: Graph;
  edit: GraphEdit;
  newId: () => string;
  aliases: ReadonlyMap<string, string>;
  ports?: RulePorts;
}): EditOutcome {
  const { edit } = input;
  const malformed = checkEditShape(edit);
  if (malformed) return { applied: false, problems: [malformed] };
  const draft = new Draft(input.graph, input.aliases, input.ports ?? {});
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
  draft.foresee(edit);
  for (const added of edit.add_blocks ?? []) draft.addBlock(added, input.newId, unplaced);
  for (const update of edit.update_blocks ?? []) draft.updateBlock(update);
  for (const edge of edit.remove_edges ?? []) draft.removeEdge(edge);
  for (const ref of edit.remove_blocks ?? []) draft.removeBlock(ref);
  for (const edge of edit.add_edges ?? []) draft.addEdge(edge);
  if (unplaced.size <= MAX_BLOCKS) draft.place(unplaced);
  return draft.conclude(input.graph);
}

/** The graph while an edit is applied to it. Faults of the edit itself gather in `problems`; nothing stops early. */
class Draft {
  private readonly blocks: BlockList;
  private readonly edges: EdgeSet;
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
  /** References of remove_blocks to blocks that were there before the call, with their ids. */
  private readonly leaving = new Map<string, string>();
  private readonly leavingIds = new Set<string>();
  private readonly notes: Problem[] = [];
  /** Faults of the edit as the check of the whole graph would name them again: code and block. */
  private readonly told = new Set<string>();
  private readonly reported = new Set<string>();
  private readonly updated = new Set<string>();

  /** Renames whose references are rewritten: of each block when its config is next read, at the latest at the end. */
  private readonly renames: Renames;
  /** How many of them a block's config follows already; absent: none. */
  private readonly followed = new Map<Block, number>();
  private readonly ports: RulePorts;

  constructor(graph: Graph, aliases: ReadonlyMap<string, string>, ports: RulePorts) {
    this.ports = ports;
    this.renames = new Renames(ports.python);
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
    if (!blockType) this.report(unknownType(name, added.type));
    this.checkNewName(name, null);
    const config = withoutNulls(toStorable(added.config ?? {}) as JsonObject);
    this.checkServerOwned(added.type, name, config);
    const id = newId();
    const alias = added.id ?? '';
    if (alias !== '') {
      const others = this.index.claiming(alias).filter((other) => !this.leavingIds.has(other.id));
      if (this.index.withId(alias) || others.length > 0 || this.isLiveAlias(alias)) {
        this.report(
          problem(
            'error',
            'duplicate_id',
            name,
            `The id ${alias.slice(0, 60)} names another block already.`,
            'Choose another id, or leave it out.',
            'id',
          ),
        );
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
      this.report(
        problem(
          'error',
          'locked_field',
          block.name,
          `The type of ${block.name} can't change.`,
          'Remove the block and add one of the other type, in one call.',
          'type',
        ),
      );
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
      this.notes.push(
        problem(
          'warning',
          'nothing_changed',
          block.name,
          `${block.name} is as the update wants it already.`,
          null,
        ),
      );
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
    this.updated.add(block.name);
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
      this.report(
        problem(
          'error',
          'duplicate_edge',
          source.name,
          `The edge ${this.describe(edge)} is there already.`,
          'Leave it out.',
          'add_edges',
        ),
      );
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
      const name = (id: string): string => this.index.withId(id)?.name ?? id;
      this.report(
        problem(
          'error',
          'unknown_edge',
          name(source),
          `There is no such edge ${this.describe(toEdge({ source, target, sourceHandle: handle }))}.`,
          handles.size > 0
            ? `Between them: sourceHandle ${[...handles].map((other) => other ?? 'output').join(', ')}.`
            : null,
          'remove_edges',
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

  conclude(original: Graph): EditOutcome {
    for (const block of this.blocks.list()) this.upToDate(block);
    const graph = { blocks: this.blocks.list(), edges: this.edges.list() };
    const before = this.asRenamed(original);
    const known = new Map<Block, Finding[]>();
    const earlier = checkGraph(before, this.ports, known);
    const old = new Set(earlier.map((found) => found.key));
    const now = checkGraph(graph, this.ports, known);
    const introduced = withoutEchoes(
      now.filter((found) => !old.has(found.key)),
      before,
    );
    const leftBehind = this.leftBehind(introduced, before);
    const isError = (found: Finding): boolean => found.severity === 'error' && !leftBehind.has(found);
    const untold = introduced.filter(
      (found) => isError(found) && !this.told.has(`${found.code} ${found.block}`),
    );
    const errors = distinct(this.problems, untold);
    if (errors.length > 0) return { applied: false, problems: [...errors, ...oldFaults(now, old, errors)] };
    this.changes.updated.push(...this.updated);
    const changes = Object.fromEntries(
      Object.entries(this.changes).filter(([, list]) => list.length > 0),
    ) as GraphChanges;
    const warnings = distinct(this.notes, [
      ...introduced.filter((found) => found.severity === 'warning' || leftBehind.has(found)),
      ...introduced.filter((found) => found.severity === 'info'),
    ]);
    return {
      applied: true,
      graph,
      changes,
      warnings: warnings.map((found) => asWarning(found)),
      aliases: this.aliases,
    };
  }

  /**
   * The faults of references that nobody touched: one does not reject an edit when what it names goes away, it is left
   * behind, and told.
   */
  private leftBehind(introduced: readonly Finding[], before: Graph): ReadonlySet<Finding> {
    const faults = introduced.filter((found) => found.severity === 'error' && found.reference !== undefined);
    if (faults.length === 0) return new Set();
    const there = new Set(
      before.blocks.flatMap((block) =>
        listReferences(block.config, this.ports.python).map((reference) => referenceKey(block, reference)),
      ),
    );
    return new Set(faults.filter((found) => there.has(found.reference!)));
  }

  private get index(): BlockIndex {
    return this.blocks.index;
  }

  /** True when as many faults are known as are told: what is found beyond them need not be described. */
  private get isFull(): boolean {
    return this.problems.length >= MAX_LISTED;
  }

  private report(found: Problem): void {
    this.told.add(`${found.code} ${found.block}`);
    const text = JSON.stringify(found);
    if (this.isFull || this.reported.has(text)) return;
    this.reported.add(text);
    this.problems.push(found);
  }

  /** The block with its references as the renames so far have left them. */
  private upToDate(block: Block): Block {
    const config = this.renames.apply(block.config, this.followed.get(block) ?? 0);
    if (config === block.config) {
      this.followed.set(block, this.renames.count);
      return block;
    }
    this.changes.references_rewritten.push(block.name);
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
    if (this.isFull) return null;
    const blocks = this.blocks.list();
    const names = blocks.map((block) => block.name);
    this.report(
      found.error === 'ambiguous'
        ? problem(
            'error',
            'ambiguous_name',
            ref.slice(0, 100),
            `Several blocks are named ${ref.slice(0, 100)}.`,
            `Use an id: ${blocks
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
    if (this.isFull) return;
    const label = block?.name ?? name;
    const fail = (code: ProblemCode, message: string, hint: string | null): void => {
      this.report(problem('error', code, label, message, hint, 'name'));
      this.told.add(`${code} ${name}`);
    };
    if (name === '' || !isReferenceName(name)) {
      const suggestion = name
        .replace(/[^\p{L}\p{N}_ -]+/gu, ' ')
        .replace(/\s+/g, ' ')
        .trim()
        .slice(0, MAX_NAME_CHARS);
      fail(
        'invalid_name',
        `${name.slice(0, 100) || 'An empty name'} can't be used in references: letters, digits, _, space and - only.`,
        suggestion === '' ? null : `For example: ${suggestion}`,
      );
      return;
    }
    if (Array.from(name).length > MAX_NAME_CHARS) {
      fail('invalid_name', `A name has at most ${MAX_NAME_CHARS} characters.`, null);
      return;
    }
    // Names that are ids can't be handed on within one call: two blocks would have one id.
    const isId = block !== null && block.id === block.name;
    const others = this.index
      .claiming(name)
      .filter((other) => other !== block && (isId || !this.leavingIds.has(other.id)));
    if (others.length > 0) {
      fail(
        'duplicate_name',
        `Another block is named ${name} already.`,
        `A free name: ${freeName(name, [...this.blocks.list(), ...others])}`,
      );
    } else if (isId && this.edges.hasEnd(name, 'either')) {
      fail(
        'duplicate_name',
        `An edge goes to or from a block ${name} that is not there: the name would connect it.`,
        'Remove that edge first, or choose another name.',
      );
    }
  }

  private checkServerOwned(type: string, name: string, patch: JsonObject, current: JsonObject = {}): void {
    for (const field of findBlockType(type)?.fields ?? []) {
      if (!field.serverOwned || !Object.hasOwn(patch, field.name)) continue;
      // Null removes: where nothing is, that is no change.
      if (jsonEqual(getKey(patch, field.name), getKey(current, field.name) ?? null)) continue;
      this.report(
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
    const name = (id: string): string => this.index.withId(id)?.name ?? id;
    const handle = edge.sourceHandle === undefined ? '' : ` [${edge.sourceHandle}]`;
    return `${name(edge.source)}${handle} -> ${name(edge.target)}`;
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

/** A new edge that closes a circle makes a finding of every edge on it: one that was there is not the one to blame. */
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
