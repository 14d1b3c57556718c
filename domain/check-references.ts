/** References between blocks: that they name a block, that it runs before, and that it has the field (rules 24, 25). */
import { findBlockType } from './block-registry.ts';
import type { RulePorts } from './check-config.ts';
import { nameKey } from './find-block.ts';
import { type Finding, lazyFinding, listed, type Problem, problem, type ProblemCode } from './finding.ts';
import type { Block, Graph } from './graph.ts';
import { isObject } from './json.ts';
import type { Reachability } from './reachability.ts';
import { listReferences, type Reference } from './reference.ts';

/** Every fault of a reference. Its key holds no positions: an unchanged reference keeps its keys. */
export function checkReferences(graph: Graph, reachability: Reachability, ports: RulePorts = {}): Finding[] {
  const byName = new Map<string, Block>();
  for (const block of graph.blocks)
    if (!byName.has(nameKey(block.name))) byName.set(nameKey(block.name), block);
  const conditions = graph.blocks.filter((block) => block.type === 'condition');
  return graph.blocks.flatMap((block) =>
    listReferences(block.config, ports.python).flatMap((reference) => {
      const target = reference.broken ? undefined : byName.get(nameKey(reference.name));
      return target
        ? checkTarget(block, reference, target, conditions, reachability)
        : [missing(block, reference, graph)];
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

function missing(block: Block, reference: Reference, graph: Graph): Finding {
  const { name, kind, field, broken } = reference;
  // Python code that reads a key which is not there can catch that; a template is left in the text as it stands.
  const code = kind === 'code' ? 'code_unknown_block' : 'reference_to_missing_block';
  const describe = (): Problem =>
    problem(
      kind === 'code' ? 'warning' : 'error',
      code,
      block.name,
      `${block.name} refers to ${name.slice(0, 100)}, which is no block.`,
      broken
        ? "A reference can't spell that name: letters, digits, _, space and - only. Rename the block."
        : `Blocks: ${listed(graph.blocks.map((other) => other.name))}`,
      field,
    );
  return lazyFinding(code, targetKey(block, reference), describe, referenceKey(block, reference));
}

function checkTarget(
  block: Block,
  reference: Reference,
  target: Block,
  conditions: readonly Block[],
  reachability: Reachability,
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
      code,
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
    ...(mayBeSkipped(target, block, conditions, reachability)
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

/** Whether some branch of a condition leads to the block and not to what it refers to. */
function mayBeSkipped(
  target: Block,
  block: Block,
  conditions: readonly Block[],
  reachability: Reachability,
): boolean {
  return conditions.some((condition) => {
    if (condition.id === target.id || !reachability.reaches(condition.id, target.id)) return false;
    const handlesTo = (id: string): Set<string> =>
      new Set(
        reachability
          .out(condition.id)
          .filter((edge) => edge.target === id || reachability.reaches(edge.target, id))
          .map((edge) => edge.sourceHandle ?? ''),
      );
    const toTarget = handlesTo(target.id);
    return [...handlesTo(block.id)].some((handle) => !toTarget.has(handle));
  });
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
