/** References between blocks: that they name a block, that it runs before, and that it has the field (rules 24, 25). */
import { findBlockType } from './block-registry.ts';
import type { RulePorts } from './check-config.ts';
import { nameKey } from '../graph/find-block.ts';
import { type Finding, lazyFinding, listed, type Problem, problem, type ProblemCode } from './finding.ts';
import type { Block, Graph } from '../graph/graph.ts';
import { isObject } from '../text/json.ts';
import type { BlockSet, Reachability } from './reachability.ts';
import { listReferences, type Reference } from './reference.ts';

/** Every fault of a reference. Its key holds no positions: an unchanged reference keeps its keys. */
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
  let names: string | null = null;
  const listNames = (): string => (names ??= listed(graph.blocks.map((block) => block.name)));
  return graph.blocks.flatMap((block) =>
    listReferences(block.config, ports.python).flatMap((reference) => {
      const target = reference.broken ? undefined : byName.get(nameKey(reference.name));
      return target
        ? checkTarget(block, reference, target, reachability, mayBeSkipped)
        : [missing(block, reference, listNames)];
    }),
  );
}

/** A reference as it is compared between two versions of a graph. */
export function referenceKey(block: Block, { kind, name, path }: Reference): string {
  return JSON.stringify([block.id, kind, nameKey(name), path]);
}

/** One finding for all paths into the same block. */
function targetKey(block: Block, { kind, name }: Reference): string {
  return JSON.stringify([block.id, kind, nameKey(name)]);
}

function missing(block: Block, reference: Reference, listNames: () => string): Finding {
  const { name, kind, field, broken } = reference;
  // Python code that reads a key which is not there can catch that; a template is left in the text as it stands.
  const code = kind === 'code' ? 'code_unknown_block' : 'reference_to_missing_block';
  const severity = kind === 'code' ? 'warning' : 'error';
  const describe = (): Problem =>
    problem(
      severity,
      code,
      block.name,
      `${block.name} refers to ${name.slice(0, 100)}, which is no block.`,
      broken
        ? "A reference can't spell that name: letters, digits, _, space and - only. Rename the block."
        : `Blocks: ${listNames()}`,
      field,
    );
  return lazyFinding(
    { severity, code, block: block.name },
    targetKey(block, reference),
    describe,
    referenceKey(block, reference),
  );
}

function checkTarget(
  block: Block,
  reference: Reference,
  target: Block,
  reachability: Reachability,
  mayBeSkipped: (target: Block, block: Block) => boolean,
): Finding[] {
  const { name, field, path, kind } = reference;
  const found = (
    severity: Problem['severity'],
    code: ProblemCode,
    message: string,
    hint: string | null,
    key = targetKey(block, reference),
  ): Finding[] => [
    lazyFinding(
      { severity, code, block: block.name },
      key,
      () => problem(severity, code, block.name, message, hint, field),
      referenceKey(block, reference),
    ),
  ];
  if (target.id === block.id)
    return found(
      'error',
      'reference_to_itself',
      `${block.name} refers to its own output.`,
      'Refer to a block above it.',
    );
  if (!reachability.reaches(target.id, block.id))
    return found(
      kind === 'code' ? 'warning' : 'error',
      kind === 'code' ? 'code_not_upstream' : 'reference_not_upstream',
      `${block.name} refers to ${target.name}, which does not run before it.`,
      `Connect ${target.name} to a block above ${block.name}, in the same call.`,
    );
  return [
    ...(mayBeSkipped(target, block)
      ? found(
          'warning',
          'reference_may_be_skipped',
          `${block.name} refers to ${target.name}, which runs on some branches only.`,
          'On the others the reference stays unresolved.',
        )
      : []),
    ...checkField(target, path, (severity, code, message, hint) =>
      found(severity, code, message, hint, JSON.stringify([block.id, nameKey(name), path])),
    ),
  ];
}

/** The blocks to which some branch of a condition leads that does not lead to this one. */
function blocksPast(target: Block, conditions: readonly Block[], reachability: Reachability): BlockSet {
  const past = reachability.emptySet();
  for (const condition of conditions) {
    if (condition.id === target.id || !reachability.reaches(condition.id, target.id)) continue;
    for (const branch of reachability.branches(condition.id)) if (!branch.has(target.id)) past.addAll(branch);
  }
  return past;
}

type Tell = (
  severity: Problem['severity'],
  code: ProblemCode,
  message: string,
  hint: string | null,
) => Finding[];

/** The field after `.output`, where the type says which there are. */
function checkField(target: Block, path: string, tell: Tell): Finding[] {
  const field = /^\.([\p{L}\p{N}_ -]+)/u.exec(path)?.[1]?.trim();
  if (field === undefined) return [];
  const { type, name, config } = target;
  if (type === 'agent' && !isSet(config.agent_id))
    return tell(
      'error',
      'field_of_text',
      `The output of ${name} is plain text, which has no field ${field}.`,
      `Use <${name}.output>, or take it apart in a code block.`,
    );
  const fields =
    type === 'starter'
      ? Object.keys(isObject(config.input) ? config.input : {})
      : type === 'general_api'
        ? Object.keys(findBlockType(type)!.outputs)
        : null;
  if (fields === null || fields.includes(field)) return [];
  return tell(
    'warning',
    'unknown_output_field',
    `${name} has no output field ${field}.`,
    fields.length > 0
      ? `Its fields: ${listed(fields)}.`
      : `${name} has no inputs yet: add ${field} to its input.`,
  );
}

function isSet(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
