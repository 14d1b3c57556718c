/** What one block does in a dry run: what it gets, what it gives, and where it would fail. */
import type { Block } from '../graph/graph.ts';
import { handlesOf } from '../rules/block-registry.ts';
import { checkConfig, type RulePorts } from '../rules/check-config.ts';
import type { ProblemCode } from '../rules/finding.ts';
import { listReferences } from '../rules/reference.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { copyObject, getKey, isObject, jsonEqual, setKey } from '../text/json.ts';
import type { AssumptionId } from './assumptions.ts';
import { evaluate } from './evaluate.ts';
import { type Noticed, resolveConfig } from './resolve.ts';
import { type Budget, type LookUp, Unknown, type Value } from './value.ts';

/** A handle that a condition takes. It is not sure when an expression depends on what is unknown. */
export interface Taken {
  handle: string;
  isSure: boolean;
}

/** An expression that was evaluated. */
export interface Evaluated {
  handle: string;
  expression: string;
  /** Whether it is true, or why nobody knows, or why it fails. */
  is: boolean | string;
}

export interface Work {
  /**
   * The fields of the config that references fill; for code, the part of input_data that it reads; for a response, its whole
   * config.
   */
  got: Json;
  output: Value;
  branches: readonly Evaluated[];
  took: readonly Taken[];
  /** References that stand for nothing. */
  unresolved: readonly string[];
  /** What may fail in code, which is not run. */
  mayFail: readonly string[];
  /** Why the block fails. */
  fails: string | null;
}

/** A block that has done nothing yet. */
export const NO_WORK: Work = {
  got: null,
  output: null,
  branches: [],
  took: [],
  unresolved: [],
  mayFail: [],
  fails: null,
};

export interface Surroundings {
  lookUp: LookUp;
  budget: Budget;
  /** What the trigger gets; null when it was not given. */
  input: JsonObject | null;
  /** The output that was given for this block. */
  canned: Json | undefined;
  ports: RulePorts;
  assume: (id: AssumptionId) => void;
}

/** Findings with which a block cannot run. */
const STOPS: readonly ProblemCode[] = [
  'code_empty',
  'code_syntax',
  'code_too_long',
  'invalid_config',
  'missing_config',
  'unknown_agent',
  'unknown_block_type',
  'unknown_knowledge_base',
  'unknown_model',
  'unknown_source',
  'url_scheme',
];

/** Does the work of a block. Throws nothing but TooMuchWork. */
export function workOf(block: Block, surroundings: Surroundings): Work {
  switch (block.type) {
    case 'starter':
      return start(block, surroundings);
    case 'webhook':
      return {
        ...NO_WORK,
        output: surroundings.input ?? new Unknown('the body of the request; give it in try.input'),
      };
    case 'condition':
      return choose(block, surroundings);
    case 'split':
      return { ...NO_WORK, output: passedOn(block) };
    default:
      return act(block, surroundings);
  }
}

function start({ config }: Block, { input }: Surroundings): Work {
  const output = isObject(config.input) ? copyObject(config.input) : {};
  const given = input ?? {};
  const isOwn = (key: string): boolean => isObject(config.input) && Object.hasOwn(config.input, key);
  const unresolved = Object.keys(given)
    .filter((key) => !isOwn(key))
    .slice(0, 10)
    .map((key) => `try.input.${key.slice(0, 60)}: the starter has no such input`);
  for (const key of Object.keys(given)) setKey(output, key, given[key]!);
  return { ...NO_WORK, output, unresolved };
}

/** Only the platform knows what a reference to a condition or a split gives. */
function passedOn({ name }: Block): Unknown {
  return new Unknown(`the output of ${name}, which only the platform knows`);
}

function choose(block: Block, surroundings: Surroundings): Work {
  const { lookUp, budget, assume } = surroundings;
  const branches: Evaluated[] = [];
  const took: Taken[] = [];
  const given = Array.isArray(block.config.branches) ? block.config.branches : [];
  const handles = handlesOf(block);
  let isSure = true;
  let isDone = false;
  for (const [index, branch] of given.entries()) {
    const handle = handles[index];
    if (handle === undefined || handle === 'else') break;
    const text = isObject(branch) && typeof branch.expression === 'string' ? branch.expression : '';
    const truth = evaluate(text, lookUp, budget);
    const expression = text.slice(0, 500);
    if ('is' in truth) branches.push({ handle, expression, is: truth.is });
    else if ('unknown' in truth) branches.push({ handle, expression, is: `unknown: ${truth.unknown}` });
    else {
      assume('expression_fails');
      branches.push({ handle, expression, is: `false, as it fails: ${truth.fails}` });
    }
    if ('unknown' in truth) {
      isSure = false;
      took.push({ handle, isSure });
    } else if ('is' in truth && truth.is) {
      took.push({ handle, isSure });
      isDone = true;
      break;
    }
  }
  if (!isDone) took.push({ handle: 'else', isSure });
  return { ...NO_WORK, output: passedOn(block), branches, took };
}

/** A block that calls something, or answers. */
function act(block: Block, surroundings: Surroundings): Work {
  const { lookUp, budget, canned, ports, assume } = surroundings;
  const fault = checkConfig(block, ports).find(({ code }) => STOPS.includes(code));
  if (block.type === 'code')
    return { ...readCode(block, surroundings), fails: fault ? fault.problem.message : null };
  const noticed: Noticed = { unresolved: new Set(), wholeValue: false };
  const got = resolveConfig(block.config, lookUp, budget, noticed);
  if (noticed.wholeValue) assume('type_is_kept');
  if (noticed.unresolved.size > 0) assume('reference_stays');
  return {
    ...NO_WORK,
    got: block.type === 'response' ? got : filledFields(block.config, got),
    output: block.type === 'response' ? null : outputOf(block, canned, assume),
    unresolved: [...noticed.unresolved].slice(0, 20),
    fails: fault ? fault.problem.message : null,
  };
}

/** The fields of a config that references have filled. */
function filledFields(config: JsonObject, got: Json): Json {
  const filled: JsonObject = {};
  if (isObject(got))
    for (const key of Object.keys(got))
      if (!jsonEqual(got[key], getKey(config, key))) setKey(filled, key, got[key]!);
  return Object.keys(filled).length === 0 ? null : filled;
}

function outputOf({ type, name }: Block, canned: Json | undefined, assume: Surroundings['assume']): Value {
  if (canned === undefined) return new Unknown(`the output of ${name}`);
  if (type !== 'general_api') return canned;
  if (isObject(canned) && (Object.hasOwn(canned, 'output') || Object.hasOwn(canned, 'status_code')))
    return canned;
  assume('whole_answer');
  return { output: canned, status_code: 200, headers: {} };
}

/** Code is not run. The keys of input_data that it reads, and the names that it uses, are checked. */
function readCode(block: Block, { lookUp, canned, ports, assume }: Surroundings): Work {
  const read: JsonObject = {};
  const mayFail = new Set<string>();
  for (const { kind, name, path, isGuarded, outside } of listReferences(block.config, ports.python)) {
    if (kind !== 'code') continue;
    const found = lookUp(name, '');
    if ('unresolved' in found) {
      if (!isGuarded) mayFail.add(`input_data["${name}"] is missing: ${found.unresolved}`);
      continue;
    }
    const { value } = found;
    setKey(read, name, { output: value instanceof Unknown ? `[unknown: ${value.why}]` : value });
    const part = path === '' ? found : lookUp(name, path);
    if ('unresolved' in part && !isGuarded) mayFail.add(part.unresolved);
    if (outside !== null && !isGuarded)
      mayFail.add(`input_data["${name}"] has no key ${outside.slice(0, 60)}`);
  }
  const { code } = block.config;
  if (ports.python && typeof code === 'string' && code.trim() !== '')
    for (const name of ports.python.analyze(code).undefinedNames) mayFail.add(`${name} is not defined`);
  return {
    ...NO_WORK,
    got: { input_data: read },
    output: outputOf(block, canned, assume),
    mayFail: [...mayFail].slice(0, 20),
  };
}
