/** The rules on the code of a code block (rule 22). */
import { MAX_CODE_BYTES } from '../graph/limits.ts';
import type { JsonObject } from '../text/json-value.ts';
import { isLargerThan } from '../text/utf8-bytes.ts';
import { nearestNames } from './block-registry.ts';
import { type PythonChecker, type PythonFacts } from './python.ts';
import { readReference } from './reference.ts';
import type { Report } from './report.ts';

/** Modules of Python that code uses without importing them. */
const MODULES = new Set(
  'asyncio base64 collections copy csv datetime decimal functools hashlib html io itertools json math os random re statistics string time traceback typing urllib uuid'.split(
    ' ',
  ),
);
/** Names of other languages, and what they are in Python. */
const OTHER_NAMES: ReadonlyMap<string, string> = new Map([
  ['true', 'True'],
  ['false', 'False'],
  ['null', 'None'],
  ['undefined', 'None'],
  ['nil', 'None'],
]);
const NEAR: readonly string[] = ['input_data', 'output'];

/** Checks a code block's code. */
export function checkCode(config: JsonObject, report: Report, python?: PythonChecker): void {
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
    reportSyntax(code, facts.syntaxError, report);
    return;
  }
  if (facts.usesInput) report('code_input', 'code', 'input', {});
  if (!facts.assignsOutput) report('code_no_output', 'code', 'output', {});
  for (const name of facts.undefinedNames) reportName(name, report);
}

function reportSyntax(
  code: string,
  { line, message: fault }: NonNullable<PythonFacts['syntaxError']>,
  report: Report,
): void {
  const at = code.indexOf('<');
  const reference = firstReference(code, at);
  if (reference !== null) report('code_syntax/reference', 'code', code, { line, fault, ...reference });
  else if (/^\s*return\b/.test(code.split('\n')[line - 1] ?? ''))
    report('code_syntax/return', 'code', code, { line, fault });
  else report('code_syntax', 'code', code, { line, fault });
}

/** The first reference in a code, and how Python reads the same value. */
function firstReference(code: string, from: number): { reference: string; python: string } | null {
  for (let at = from; at >= 0; at = code.indexOf('<', at + 1)) {
    const found = readReference(code, at);
    if (!found) continue;
    const keys = found.path.split('.').filter((key) => key !== '');
    const path = ['output', ...keys].map((key) => `["${key}"]`).join('');
    return { reference: code.slice(at, found.end), python: `input_data["${found.name}"]${path}` };
  }
  return null;
}

function reportName(name: string, report: Report): void {
  const other = OTHER_NAMES.get(name);
  const [nearest] = nearestNames(name, NEAR, 1);
  if (other !== undefined)
    report('code_undefined_name/other_language', 'code', name, { name, nearest: other });
  else if (MODULES.has(name)) report('code_undefined_name/module', 'code', name, { name });
  else if (nearest !== undefined) report('code_undefined_name/nearest', 'code', name, { name, nearest });
  else report('code_undefined_name', 'code', name, { name });
}
