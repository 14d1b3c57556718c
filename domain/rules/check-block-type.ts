/** The rules on the config of one block type: condition, agent, starter, code. */
import type { Block } from '../graph/graph.ts';
import { MAX_CODE_BYTES } from '../graph/limits.ts';
import type { JsonObject } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { isLargerThan } from '../text/utf8-bytes.ts';
import { checkRequest } from './check-request.ts';
import { parseExpression } from './expression.ts';
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

/** Checks the branches of a condition. A branch without a valid expression never runs: the run silently takes else. */
function checkBranches(config: JsonObject, report: Report): void {
  const { branches } = config;
  if (!Array.isArray(branches)) return;
  if (branches.length === 0) report('missing_config/branches', 'branches', null, { example: BRANCH });
  for (const [index, branch] of branches.entries()) {
    const handle = index === 0 ? 'if' : `elif_${index}`;
    const expression = isObject(branch) ? branch.expression : undefined;
    if (expression !== undefined && expression !== null && typeof expression !== 'string') {
      report('invalid_config/expression', 'branches', [handle, expression], { handle, example: BRANCH });
    } else if (typeof expression !== 'string' || expression.trim() === '') {
      report('missing_config/expression', 'branches', handle, { handle, example: BRANCH });
    } else {
      const parsed = parseExpression(expression);
      if (parsed.ok) continue;
      const id = parsed.certain ? 'expression_syntax' : 'expression_syntax/doubtful';
      const { message: fault, at } = parsed;
      report(id, 'branches', [handle, expression], { handle, fault, at: at + 1 });
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

const TYPE_WORD =
  /^(?:string|text|str|number|int|integer|float|boolean|bool|object|array|list|any|date|json)$/i;

/** Checks the starter's inputs. The engine takes the value of an input as its default, so a type word is a mistake. */
function checkInputs(config: JsonObject, report: Report): void {
  if (!isObject(config.input)) return;
  for (const [name, value] of Object.entries(config.input)) {
    if (typeof value === 'string' && TYPE_WORD.test(value))
      report('type_word_input', 'input', [name, value], { name: name.slice(0, 60), value });
  }
}

/** Checks the code of a code block (rule 22). */
function checkCode(config: JsonObject, report: Report, python?: PythonChecker): void {
  const { code } = config;
  if (!Object.hasOwn(config, 'code') || code === null || typeof code !== 'string') return;
  if (isLargerThan(code, MAX_CODE_BYTES)) {
    report('code_too_long', 'code', null, { kb: MAX_CODE_BYTES / 1024 });
    return;
  }
  if (code.trim() === '') {
    report('code_empty', 'code', null, {});
    return;
  }
  if (!python) return;
  const facts = python.analyze(code);
  if (facts.syntaxError) {
    const { line, message } = facts.syntaxError;
    report('code_syntax', 'code', code, { line, fault: message });
    return;
  }
  if (facts.usesInput) report('code_input', 'code', 'input', {});
  if (!facts.assignsOutput) report('code_no_output', 'code', 'output', {});
}
