/** The rules on references: the target must exist, run before the block, and have the field (rules 24, 25). */
import { findBlockType, nearestNames } from './block-registry.ts';
import type { RulePorts } from './check-config.ts';
import { nameKey } from '../graph/find-block.ts';
import { type Finding, finding, type FindingId, listed, type Values } from './finding.ts';
import type { Block, Graph } from '../graph/graph.ts';
import { isObject } from '../text/json.ts';
import type { BlockSet, Reachability } from './reachability.ts';
import { listReferences, type Reference } from './reference.ts';
import { nearestHint } from './report.ts';

/** All findings of references. Their keys have no positions in the text, so an unchanged reference keeps its keys. */
export function checkReferences(graph: Graph, reachability: Reachability, ports: RulePorts = {}): Finding[] {
  const byName = new Map<string, Block>();
  for (const block of graph.blocks)
    if (!byName.has(nameKey(block.name))) byName.set(nameKey(block.name), block);
  const conditions = graph.blocks.filter((block) => block.type === 'condition');
  const skips = new Map<string, BlockSet>();
  const mayBeSkipped = (target: Block, block: Block): boolean => {
    let set = skips.get(target.id);
    if (!set) skips.set(target.id, (set = blocksPast(target, conditions, reachability)));
    return set.has(block.id);
  };
  const names = graph.blocks.map((block) => block.name);
  return graph.blocks.flatMap((block) =>
    listReferences(block.config, ports.python).flatMap((reference) => {
      const target = reference.broken ? undefined : byName.get(nameKey(reference.name));
      return target
        ? checkTarget(block, reference, target, reachability, mayBeSkipped)
        : [missing(block, reference, names)];
    }),
  );
}

/** The key by which a reference is recognised in another version of the graph. */
export function referenceKey(block: Block, { kind, name, path }: Reference): string {
  return JSON.stringify([block.id, kind, nameKey(name), path]);
}

/** The key of a finding about the target. All paths into the same block share it. */
function targetKey(block: Block, { kind, name }: Reference): string {
  return JSON.stringify([block.id, kind, nameKey(name)]);
}

function missing(block: Block, reference: Reference, names: readonly string[]): Finding {
  const { name, kind, field, broken } = reference;
  // Python code can catch the error of a missing key. A template is left in the text unchanged.
  const code = kind === 'code' ? 'code_unknown_block' : 'reference_to_missing_block';
  return finding(
    broken ? 'reference_to_missing_block/spelling' : code,
    targetKey(block, reference),
    { block: block.name, field, reference: referenceKey(block, reference) },
    () => {
      if (broken) return { name: name.slice(0, 100), nearest: '', blocks: '' };
      const others = names.filter((other) => other !== block.name);
      return {
        name: name.slice(0, 100),
        nearest: nearestHint(nearestNames(name, others, 3)),
        blocks: listed(others) || 'none',
      };
    },
  );
}

/** Adds a finding about the target of a reference. */
type Tell = <Id extends FindingId>(id: Id, values: Values<Id>, key?: string) => void;

function checkTarget(
  block: Block,
  reference: Reference,
  target: Block,
  reachability: Reachability,
  mayBeSkipped: (target: Block, block: Block) => boolean,
): Finding[] {
  const { name, field, path, kind } = reference;
  const findings: Finding[] = [];
  const place = { block: block.name, field, reference: referenceKey(block, reference) };
  const names = { block: block.name, target: target.name };
  const tell: Tell = (id, values, key = targetKey(block, reference)) =>
    void findings.push(finding(id, key, place, values));
  if (target.id === block.id) tell('reference_to_itself', names);
  else if (!reachability.reaches(target.id, block.id))
    tell(kind === 'code' ? 'code_not_upstream' : 'reference_not_upstream', names);
  else {
    if (mayBeSkipped(target, block)) tell('reference_may_be_skipped', names);
    checkField(target, path, (id, values) =>
      tell(id, values, JSON.stringify([block.id, nameKey(name), path])),
    );
  }
  return findings;
}

/** The blocks that a branch of a condition reaches although it does not reach the target: they run without the target. */
function blocksPast(target: Block, conditions: readonly Block[], reachability: Reachability): BlockSet {
  const past = reachability.emptySet();
  for (const condition of conditions) {
    if (condition.id === target.id || !reachability.reaches(condition.id, target.id)) continue;
    for (const branch of reachability.branches(condition.id)) if (!branch.has(target.id)) past.addAll(branch);
  }
  return past;
}

/** Checks the field after `.output`, for types whose output fields are known. */
function checkField(target: Block, path: string, tell: Tell): void {
  const field = /^\.([\p{L}\p{N}_ -]+)/u.exec(path)?.[1]?.trim();
  if (field === undefined) return;
  const { type, name, config } = target;
  if (type === 'agent' && !isSet(config.agent_id)) {
    tell('field_of_text', { target: name, field });
    return;
  }
  const fields =
    type === 'starter'
      ? Object.keys(isObject(config.input) ? config.input : {})
      : type === 'general_api'
        ? Object.keys(findBlockType(type)!.outputs)
        : null;
  if (fields === null || fields.includes(field)) return;
  if (fields.length > 0) tell('unknown_output_field', { target: name, field, fields: listed(fields) });
  else tell('unknown_output_field/no_inputs', { target: name, field });
}

function isSet(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
