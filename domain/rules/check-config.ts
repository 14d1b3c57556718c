/** The rules on a single block's config. docs/graph-rules.md numbers them. */
import {
  blockTypes,
  checkFieldValue,
  type ConfigField,
  findBlockType,
  nearestNames,
} from './block-registry.ts';
import { parseExpression } from './expression.ts';
import { type Finding, lazyFinding, type Problem, problem, type ProblemCode } from './finding.ts';
import type { Block } from '../graph/graph.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { HIDDEN, isSecretName, looksLikeSecret } from '../text/hide-secrets.ts';
import { getKey, isObject } from '../text/json.ts';
import { MAX_CODE_BYTES, MAX_CONFIG_BYTES } from '../graph/limits.ts';
import { toJsonText } from '../text/json-text.ts';
import { findMentions, isLiteralId, type ProjectFacts, type ReferredKind } from './project-facts.ts';
import type { PythonChecker } from './python.ts';
import { isLargerThan } from '../text/utf8-bytes.ts';

export { MAX_CODE_BYTES, MAX_CONFIG_BYTES };

/** What the rules ask beyond the graph. Without a port its rules are not judged. */
export interface RulePorts {
  python?: PythonChecker | undefined;
  project?: ProjectFacts | undefined;
}

/** Tells a fault of a block: `key` beside the block's id makes it the same fault in another version of the graph. */
type Report = (
  severity: Problem['severity'],
  code: ProblemCode,
  field: string,
  key: Json,
  message: string,
  /** A function where it costs something to find. */
  hint?: string | null | (() => string),
) => void;

const KNOWN_TYPES = blockTypes.map((blockType) => blockType.type);
const PLACEHOLDER =
  /\b(?:your[-_ ](?:api[-_ ])?(?:key|token|secret|password|url|domain)(?:[-_ ]here)?|changeme|change[-_]me|replace[-_ ]me|insert[-_ ]here|TODO|FIXME|example\.(?:com|org|net)|xxx{3,})\b/i;
const TEMPLATE = /<[^<>\n]+>|\{\{|\$\{/;
const LABELS: Readonly<Record<ReferredKind, string>> = {
  agent: 'agent',
  knowledge_base: 'knowledge base',
  source: 'source',
};

/** Every fault and doubt of one block by itself. Never throws. */
export function checkConfig(block: Block, ports: RulePorts = {}): Finding[] {
  const blockType = findBlockType(block.type);
  if (!blockType) {
    return [
      lazyFinding(
        { severity: 'error', code: 'unknown_block_type', block: block.name },
        JSON.stringify([block.id, block.type]),
        () => unknownType(block.name, block.type),
      ),
    ];
  }
  const findings: Finding[] = [];
  const report: Report = (severity, code, field, key, message, hint = null) => {
    findings.push(
      lazyFinding({ severity, code, block: block.name }, JSON.stringify([block.id, field, key]), () =>
        problem(severity, code, block.name, message, typeof hint === 'function' ? hint() : hint, field),
      ),
    );
  };
  checkKeys(block, blockType.fields, report);
  checkRequired(block, report);
  checkSecrets(block, report);
  if (block.type === 'condition') checkBranches(block.config, report);
  if (block.type === 'agent') checkAgent(block.config, report);
  if (block.type === 'starter') checkInputs(block.config, report);
  if (block.type === 'general_api') checkRequest(block.config, report);
  if (block.type === 'code') checkCode(block.config, report, ports.python);
  if (ports.project) checkProject(block, report, ports.project);
  return findings;
}

/** The problem of a type that is none of ours, with the nearest ones. */
export function unknownType(block: string, type: string): Problem {
  const known = KNOWN_TYPES;
  const nearest = nearestNames(type, known, 3);
  return problem(
    'error',
    'unknown_block_type',
    block,
    `There is no block type ${type.slice(0, 60) || '(empty)'}.`,
    `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}All: ${known.join(', ')}.`,
    'type',
  );
}

function checkKeys(block: Block, fields: readonly ConfigField[], report: Report): void {
  const { config } = block;
  if (isLargerThan(toJsonText(config), MAX_CONFIG_BYTES))
    report(
      'error',
      'config_too_large',
      'config',
      null,
      `A block's config has at most ${MAX_CONFIG_BYTES / 1024} KB.`,
    );
  const known = new Map(fields.map((field) => [field.name, field]));
  for (const [key, value] of Object.entries(config)) {
    const field = known.get(key);
    if (!field) {
      report(
        'warning',
        'unknown_config_key',
        key,
        null,
        `${block.type} has no config field ${key.slice(0, 60)}.`,
        () => {
          const names = [...known.keys()];
          const nearest = nearestNames(key, names, 1);
          return `${nearest.length > 0 ? `Nearest: ${nearest[0]}. ` : ''}Fields: ${names.join(', ') || 'none'}.`;
        },
      );
      continue;
    }
    const wrong = value === null ? null : checkFieldValue(field, value);
    if (wrong) report('error', 'invalid_config', key, toJsonText(value), `${key} ${wrong}.`);
  }
}

function isMissing(config: JsonObject, field: string): boolean {
  const value = getKey(config, field);
  return value === undefined || value === null || (typeof value === 'string' && value.trim() === '');
}

function checkRequired({ type, config }: Block, report: Report): void {
  const fields = findBlockType(type)?.fields ?? [];
  const need = (field: string, hint: string): void => {
    if (isMissing(config, field))
      report('warning', 'missing_config', field, null, `${field} is required and not set.`, hint);
  };
  for (const field of fields)
    if (field.required && field.name !== 'code') need(field.name, field.description);
  if (type === 'agent' && isMissing(config, 'agent_id')) {
    const other = 'Give agent_id and input, or model, system_prompt and input.';
    need('model', other);
    need('system_prompt', other);
  }
  if (type === 'code' && !Object.hasOwn(config, 'code')) need('code', 'Python source that assigns output');
}

/** An empty branch never runs; one that does not read as an expression fails, and the run silently takes else. */
function checkBranches(config: JsonObject, report: Report): void {
  const { branches } = config;
  if (!Array.isArray(branches)) return;
  if (branches.length === 0)
    report('warning', 'missing_config', 'branches', null, 'branches has no branch yet.');
  for (const [index, branch] of branches.entries()) {
    const handle = index === 0 ? 'if' : `elif_${index}`;
    const expression = isObject(branch) ? branch.expression : undefined;
    if (expression !== undefined && expression !== null && typeof expression !== 'string') {
      report(
        'error',
        'invalid_config',
        'branches',
        [handle, expression],
        `The expression of ${handle} must be text.`,
      );
    } else if (typeof expression !== 'string' || expression.trim() === '') {
      report(
        'warning',
        'missing_config',
        'branches',
        handle,
        `The branch ${handle} has no expression yet.`,
        'Each branch is {"expression": "<Check.output.score> > 5"}.',
      );
    } else {
      const parsed = parseExpression(expression);
      if (parsed.ok) continue;
      report(
        parsed.certain ? 'error' : 'warning',
        'expression_syntax',
        'branches',
        [handle, expression],
        `The expression of ${handle} does not read as one: ${parsed.message} (at character ${parsed.at + 1}).`,
        'For example: <Check.output.score> > 5 and <Start.output.kind> == "new"',
      );
    }
  }
}

/** A project's agent overrides at run time what stands beside its id. */
function checkAgent(config: JsonObject, report: Report): void {
  if (isMissing(config, 'agent_id')) return;
  for (const field of ['model', 'system_prompt', 'knowledge_bases', 'temperature', 'max_tokens']) {
    if (isMissing(config, field)) continue;
    const overridden = field !== 'temperature' && field !== 'max_tokens';
    report(
      overridden ? 'error' : 'warning',
      'agent_id_with_inline',
      field,
      null,
      `With agent_id, ${field} is taken from that agent.`,
      `Remove ${field}, or remove agent_id.`,
    );
  }
}

const TYPE_WORD =
  /^(?:string|text|str|number|int|integer|float|boolean|bool|object|array|list|any|date|json)$/i;

/** The engine takes the value of an input as its default. */
function checkInputs(config: JsonObject, report: Report): void {
  if (!isObject(config.input)) return;
  for (const [name, value] of Object.entries(config.input)) {
    if (typeof value === 'string' && TYPE_WORD.test(value))
      report(
        'info',
        'type_word_input',
        'input',
        [name, value],
        `When a run gives no ${name.slice(0, 60)}, its value is the text "${value}".`,
      );
  }
}

function checkRequest(config: JsonObject, report: Report): void {
  const { url, body, body_type: bodyType } = config;
  // What stands before the path of an address is short: no pattern need read a text of megabytes.
  if (typeof url === 'string' && url.trim() !== '') checkUrl(url.trim().slice(0, MAX_URL_CHARS), report);
  if (
    typeof body === 'string' &&
    body.trim() !== '' &&
    bodyType === 'json' &&
    !TEMPLATE.test(body) &&
    !isJson(body)
  )
    report('error', 'invalid_config', 'body', body, 'body is no JSON, which body_type says it is.');
}

const MAX_URL_CHARS = 10_000;

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function checkUrl(url: string, report: Report): void {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  const rest = url.replace(/^[a-z][a-z0-9+.-]*:\/*/i, '');
  if (scheme === undefined && TEMPLATE.test(url.slice(0, 300)) && /^[<{$]/.test(url)) {
    report('warning', 'url_template_host', 'url', url, 'Which host is called is decided by data.', HOST_HINT);
    return;
  }
  if (scheme !== 'http' && scheme !== 'https') {
    report(
      'error',
      'url_scheme',
      'url',
      url,
      scheme === undefined ? 'url must begin with https:// or http://.' : `url can't be of scheme ${scheme}.`,
    );
    return;
  }
  const authority = /^(?:<[^<>\n]*>|\{\{[^{}\n]*\}\}|\$\{[^{}\n]*\}|[^/?#<{$])*/.exec(rest)?.[0] ?? '';
  if (TEMPLATE.test(authority)) {
    report('warning', 'url_template_host', 'url', url, 'Which host is called is decided by data.', HOST_HINT);
    return;
  }
  const host = hostOf(`${scheme}://${authority}`);
  if (host === null) report('error', 'url_scheme', 'url', url, 'url is no address.');
  else if (isPrivateHost(host))
    report(
      'warning',
      'url_private_host',
      'url',
      url,
      `${host} is a private address.`,
      'Is it meant to be called from the platform?',
    );
}

const HOST_HINT = 'Write the host out; references are fine in path and query.';

/** The host as a client would understand it: `0x7f.1` is 127.0.0.1. */
function hostOf(origin: string): string | null {
  try {
    return new URL(origin).hostname;
  } catch {
    return null;
  }
}

function isPrivateHost(host: string): boolean {
  const name = host.replace(/\.$/, '').toLowerCase();
  return (
    /^(?:localhost|.+\.localhost|.+\.local|.+\.internal|.+\.lan|.+\.home\.arpa)$/.test(name) ||
    /^(?:0|10|127)\.\d+\.\d+\.\d+$/.test(name) ||
    /^(?:169\.254|192\.168|172\.(?:1[6-9]|2\d|3[01])|100\.(?:6[4-9]|[7-9]\d|1[01]\d|12[0-7]))\.\d+(?:\.\d+)?$/.test(
      name,
    ) ||
    /^\[(?:::1?|f[cde][0-9a-f]{2}:.*|fe[89ab][0-9a-f]:.*|::ffff:.*)\]$/.test(name) ||
    !/[.:]/.test(name)
  );
}

function checkCode(config: JsonObject, report: Report, python?: PythonChecker): void {
  const { code } = config;
  if (!Object.hasOwn(config, 'code') || code === null || typeof code !== 'string') return;
  if (isLargerThan(code, MAX_CODE_BYTES)) {
    report('error', 'code_too_long', 'code', null, `Code has at most ${MAX_CODE_BYTES / 1024} KB.`);
    return;
  }
  if (code.trim() === '') {
    report(
      'error',
      'code_empty',
      'code',
      null,
      'The code is empty.',
      'Assign output, such as: output = input_data["Start"]["output"]',
    );
    return;
  }
  if (!python) return;
  const facts = python.analyze(code);
  if (facts.syntaxError) {
    const { line, message } = facts.syntaxError;
    report('error', 'code_syntax', 'code', code, `Python does not parse this: line ${line}: ${message}.`);
    return;
  }
  if (facts.usesInput)
    report(
      'warning',
      'code_input',
      'code',
      'input',
      'The code uses input, which asks a terminal.',
      'Upstream output is in input_data.',
    );
  if (!facts.assignsOutput)
    report(
      'warning',
      'code_no_output',
      'code',
      'output',
      'The code never assigns output.',
      'Blocks below read what it assigns to output.',
    );
}

/** Keys, tokens and passwords do not belong into a graph that people and models read. */
function checkSecrets({ type, config }: Block, report: Report): void {
  const serverOwned = new Set(
    findBlockType(type)
      ?.fields.filter((field) => field.serverOwned)
      .map(({ name }) => name),
  );
  for (const [field, value] of Object.entries(config)) {
    if (serverOwned.has(field)) continue;
    const isInput = type === 'starter' && field === 'input';
    visitTexts(value, field, (text, name) => {
      const named = !isInput && isSecretName(name) && text.trim() !== '' && !TEMPLATE.test(text);
      const placeholder = PLACEHOLDER.test(text);
      if (looksLikeSecret(text) || text.includes(HIDDEN) || (named && !placeholder))
        report(
          'error',
          'secret_literal',
          field,
          text,
          `${name} holds what looks like a secret, or a hidden value.`,
          'Leave it out: a hidden value stays as it is, and a secret is entered by the user in the platform.',
        );
      else if (placeholder)
        report(
          'warning',
          'placeholder',
          field,
          text,
          `${name} holds a placeholder that must be replaced.`,
          'Tell the user what to fill in.',
        );
    });
  }
}

/** Visits the texts in their order, each with the name of the key that it stands under. Safe at any depth. */
function visitTexts(root: Json, rootName: string, visit: (text: string, name: string) => void): void {
  const todo: [Json, string][] = [[root, rootName]];
  for (let next = todo.pop(); next; next = todo.pop()) {
    const [value, name] = next;
    if (typeof value === 'string') visit(value, name);
    else if (Array.isArray(value)) for (const item of value.toReversed()) todo.push([item, name]);
    else if (isObject(value))
      for (const key of Object.keys(value).toReversed()) todo.push([value[key]!, key]);
  }
}

function checkProject(block: Block, report: Report, project: ProjectFacts): void {
  const { ids, models } = findMentions(block.config);
  for (const kind of Object.keys(ids) as ReferredKind[]) {
    for (const id of ids[kind]) {
      if (project.missing[kind].has(id))
        report(
          'error',
          `unknown_${kind}`,
          kind === 'knowledge_base' ? 'knowledge_bases' : `${kind}_id`,
          id,
          `The project has no ${LABELS[kind]} with the id ${id.slice(0, 60)}.`,
          'Look it up with list_project_assets; use its id.',
        );
    }
  }
  for (const model of models) {
    if (block.type !== 'agent' || !isLiteralId(model) || !project.unknownModels.has(model)) continue;
    report('error', 'unknown_model', 'model', model, `There is no model ${model.slice(0, 60)}.`, () => {
      const nearest = nearestNames(model, project.models, 3);
      return `${nearest.length > 0 ? `Nearest: ${nearest.join(', ')}. ` : ''}All: ${project.models.join(', ')}.`;
    });
  }
}
