/** The rules on the config of one block type: condition, agent, starter, code. */
import type { Block } from '../graph/graph.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { branchHandle } from './block-registry.ts';
import { checkCode } from './check-code.ts';
import { checkRequest } from './check-request.ts';
import { isMissing } from './is-missing.ts';
import type { PythonChecker } from './python.ts';
import type { Report } from './report.ts';

/** Checks the fields that only this type of block has. */
export function checkBlockType({ type, config }: Block, report: Report, python?: PythonChecker): void {
  if (type === 'condition') checkBranches(config, report);
  if (type === 'agent') checkAgent(config, report);
  if (type === 'starter') checkInputs(config, report);
  if (type === 'general_api') checkRequest(config, report);
  if (type === 'code') checkCode(config, report, python);
}

const BRANCH = '{"expression": "<Check.output.score> > 5"}';

/**
 * Checks that each branch of a condition has an expression. A branch without one never runs: the run silently takes else.
 * check-conditions.ts checks the expressions.
 */
function checkBranches(config: JsonObject, report: Report): void {
  const { branches } = config;
  if (!Array.isArray(branches)) return;
  if (branches.length === 0) report('missing_config/branches', 'branches', null, { example: BRANCH });
  for (const [index, branch] of branches.entries()) {
    const handle = branchHandle(index);
    const expression = isObject(branch) ? branch.expression : undefined;
    if (expression !== undefined && expression !== null && typeof expression !== 'string') {
      report('invalid_config/expression', 'branches', [handle, expression], { handle, example: BRANCH });
    } else if (typeof expression !== 'string' || expression.trim() === '') {
      const example =
        typeof branch === 'string' ? JSON.stringify({ expression: branch.slice(0, 300) }) : BRANCH;
      report('missing_config/expression', 'branches', handle, { handle, example });
    }
  }
}

/** Checks an agent block. At run time, an agent of the project overrides the fields beside its id. */
function checkAgent(config: JsonObject, report: Report): void {
  if (isMissing(config, 'agent_id')) return;
  for (const field of ['model', 'system_prompt', 'knowledge_bases', 'temperature', 'max_tokens']) {
    if (isMissing(config, field)) continue;
    const isSampling = field === 'temperature' || field === 'max_tokens';
    report(isSampling ? 'agent_id_with_inline/sampling' : 'agent_id_with_inline', field, null, { field });
  }
}

/** Words for types, and an empty value of each type. */
const TYPE_WORDS: readonly (readonly [words: RegExp, empty: Json])[] = [
  [/^(?:string|text|str|any|date|email|url)$/i, ''],
  [/^(?:number|int|integer|float)$/i, 0],
  [/^(?:boolean|bool)$/i, false],
  [/^(?:object|json|dict)$/i, {}],
  [/^(?:array|list)$/i, []],
];

/** Checks the starter's inputs. The engine takes the value of an input as its default, so a type word is a mistake. */
function checkInputs(config: JsonObject, report: Report): void {
  if (!isObject(config.input)) return;
  for (const [name, value] of Object.entries(config.input)) {
    if (typeof value !== 'string') continue;
    const word = TYPE_WORDS.find(([words]) => words.test(value));
    if (!word) continue;
    const write = JSON.stringify({ input: { [name.slice(0, 60)]: word[1] } });
    report('type_word_input', 'input', [name, value], { name: name.slice(0, 60), value, write });
  }
}
