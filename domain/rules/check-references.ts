/** The rules on references: the target must exist, run before the block, and have the field (rules 24, 25). */
import { findBlockType, nearestNames } from './block-registry.ts';
import type { RulePorts } from './check-config.ts';
import { nameKey } from '../graph/find-block.ts';
import { type Finding, finding, type FindingId, listed, type Values } from './finding.ts';
import type { Block, Graph } from '../graph/graph.ts';
import { isObject } from '../text/json.ts';
import type { PythonChecker } from './python.ts';
import type { BlockSet, Reachability } from './reachability.ts';
import { listReferences, type Reference } from './reference.ts';
import { type ForeignForm, listForeignForms } from './reference-forms.ts';
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
  const listAbove = (block: Block): string => {
    const above = graph.blocks.filter(
      ({ id, type }) => reachability.reaches(id, block.id) && id !== block.id && hasOutput(type),
    );
    return listed(above.map(({ name }) => `<${name}.output>`)) || 'none yet';
  };
  return graph.blocks.flatMap((block) => [
    ...listReferences(block.config, ports.python).flatMap((reference) => {
      const target = reference.broken ? undefined : byName.get(nameKey(reference.name));
      return target
        ? checkTarget(block, reference, target, { reachability, mayBeSkipped, listAbove })
        : [missing(block, reference, names)];
    }),
    ...listForeignForms(block.config)
      .filter(({ name }) => byName.has(nameKey(name)))
      .map((form) => {
        const { written, reference, field } = form;
        const key = formKey(block, form);
        return finding(
          'reference_form',
          key,
          { block: block.name, field, reference: key },
          { written, reference },
        );
      }),
  ]);
}

/** Responses end the workflow, so nothing can read their output. */
function hasOutput(type: string): boolean {
  return !findBlockType(type)?.terminal;
}

/** The keys by which the references of a block are recognised in another version of the graph. */
export function referenceKeys(block: Block, python?: PythonChecker): string[] {
  return [
    ...listReferences(block.config, python).map((reference) => referenceKey(block, reference)),
    ...listForeignForms(block.config).map((form) => formKey(block, form)),
  ];
}

function formKey(block: Block, { field, written }: ForeignForm): string {
  return JSON.stringify([block.id, 'form', field, written]);
}

function referenceKey(block: Block, { kind, name, path }: Reference): string {
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
type Tell = <Id extends FindingId>(id: Id, values: Values<Id> | (() => Values<Id>), key?: string) => void;

interface Graphed {
  reachability: Reachability;
  mayBeSkipped: (target: Block, block: Block) => boolean;
  /** The references that a block may use, for hints. */
  listAbove: (block: Block) => string;
}

function checkTarget(
  block: Block,
  reference: Reference,
  target: Block,
  { reachability, mayBeSkipped, listAbove }: Graphed,
): Finding[] {
  const { name, field, path, kind, isGuarded, outside } = reference;
  const findings: Finding[] = [];
  const place = { block: block.name, field, reference: referenceKey(block, reference) };
  const names = { block: block.name, target: target.name };
  const tell: Tell = (id, values, key = targetKey(block, reference)) =>
    void findings.push(finding(id, key, place, values));
  const above = (): { block: string; target: string; above: string } => ({
    ...names,
    above: listAbove(block),
  });
  if (target.id === block.id) tell('reference_to_itself', above);
  else if (!reachability.reaches(target.id, block.id)) {
    const code = kind === 'code' ? 'code_not_upstream' : 'reference_not_upstream';
    tell(reachability.reaches(block.id, target.id) ? (`${code}/below` as const) : code, above);
  } else {
    if (mayBeSkipped(target, block) && !isGuarded) {
      const wording = kind === 'code' ? '/code' : block.type === 'condition' ? '/condition' : '';
      const read = `input_data.get("${target.name}", {}).get("output")`;
      tell(`reference_may_be_skipped${wording}` as const, { ...names, read });
    }
    const fieldKey = JSON.stringify([block.id, nameKey(name), path]);
    if (outside !== null) {
      const given = `input_data["${name}"]["${outside}"]`;
      const read = `input_data["${name}"]["output"]["${outside}"]`;
      tell('code_without_output', { given, read, target: target.name }, JSON.stringify([fieldKey, outside]));
    }
    checkField(target, path, kind, (id, values) => tell(id, values, fieldKey));
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
function checkField(target: Block, path: string, kind: Reference['kind'], tell: Tell): void {
  const field = /^\.([\p{L}\p{N}_ -]+)/u.exec(path)?.[1]?.trim();
  if (field === undefined) return;
  const { type, name, config } = target;
  if (type === 'agent' && !isSet(config.agent_id)) {
    tell(kind === 'code' ? 'field_of_text/code' : 'field_of_text', { target: name, field });
    return;
  }
  const fields =
    type === 'starter'
      ? Object.keys(isObject(config.input) ? config.input : {})
      : type === 'general_api'
        ? Object.keys(findBlockType(type)!.outputs)
        : null;
  if (fields === null || fields.includes(field)) return;
  if (fields.length === 0) tell('unknown_output_field/no_inputs', { target: name, field });
  else
    tell('unknown_output_field', () => ({
      target: name,
      field,
      nearest: nearestHint(nearestNames(field, fields, 1)),
      fields: listed(fields),
    }));
}

function isSet(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
