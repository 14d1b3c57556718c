/** The rules on a single block's config. docs/graph-rules.md numbers them. */
import type { Block } from '../graph/graph.ts';
import { MAX_CODE_BYTES, MAX_CONFIG_BYTES } from '../graph/limits.ts';
import { toJsonText } from '../text/json-text.ts';
import { isLargerThan } from '../text/utf8-bytes.ts';
import {
  blockTypes,
  checkFieldValue,
  type ConfigField,
  findBlockType,
  nearestNames,
} from './block-registry.ts';
import { checkBlockType } from './check-block-type.ts';
import { checkSecrets } from './check-secrets.ts';
import { correctValue } from './correct-value.ts';
import { type Finding, finding, type Problem, problem } from './finding.ts';
import { isMissing } from './is-missing.ts';
import { findMentions, isLiteralId, type ProjectFacts, type ReferredKind } from './project-facts.ts';
import type { PythonChecker } from './python.ts';
import { nearestHint, type Report, reportInto } from './report.ts';

export { MAX_CODE_BYTES, MAX_CONFIG_BYTES };

/** What the rules need beside the graph. The rules of a missing port are skipped. */
export interface RulePorts {
  python?: PythonChecker | undefined;
  project?: ProjectFacts | undefined;
  /** The placeholder words of the user's messages. The user means them as they are. */
  typed?: ReadonlySet<string> | undefined;
}

const KNOWN_TYPES = blockTypes.map((blockType) => blockType.type);

/** All findings of one block by itself. Never throws. */
export function checkConfig(block: Block, ports: RulePorts = {}): Finding[] {
  const blockType = findBlockType(block.type);
  if (!blockType) {
    const place = { block: block.name, field: 'type' };
    const key = JSON.stringify([block.id, block.type]);
    return [finding('unknown_block_type', key, place, () => describeUnknown(block.type))];
  }
  const findings: Finding[] = [];
  const report = reportInto(findings, block);
  checkKeys(block, blockType.fields, report);
  checkRequired(block, report);
  checkSecrets(block, report, ports.typed);
  checkBlockType(block, report, ports.python);
  if (ports.project) checkProject(block, report, ports.project);
  return findings;
}

/** The problem of an unknown block type, with the nearest known ones. */
export function unknownType(block: string, type: string): Problem {
  return problem('unknown_block_type', { block, field: 'type' }, describeUnknown(type));
}

function describeUnknown(type: string) {
  const nearest = nearestHint(nearestNames(type, KNOWN_TYPES, 3));
  return { type: type.slice(0, 60) || '(empty)', nearest, all: KNOWN_TYPES.join(', ') };
}

function checkKeys({ type, config }: Block, fields: readonly ConfigField[], report: Report): void {
  if (isLargerThan(toJsonText(config), MAX_CONFIG_BYTES))
    report('config_too_large', 'config', null, { kb: MAX_CONFIG_BYTES / 1024 });
  const known = new Map(fields.map((field) => [field.name, field]));
  for (const [key, value] of Object.entries(config)) {
    const field = known.get(key);
    if (!field) {
      report('unknown_config_key', key, null, () => {
        const names = [...known.keys()];
        return {
          type,
          key: key.slice(0, 60),
          nearest: nearestHint(nearestNames(key, names, 1)),
          fields: names.join(', ') || 'none',
        };
      });
      continue;
    }
    const fault = value === null ? null : checkFieldValue(field, value);
    if (fault === null) continue;
    const corrected = correctValue(field, value);
    if (corrected === undefined) report('invalid_config', key, toJsonText(value), { field: key, fault });
    else {
      const write = JSON.stringify({ [key]: corrected });
      report('invalid_config/corrected', key, toJsonText(value), { field: key, fault, write });
    }
  }
}

function checkRequired({ type, config }: Block, report: Report): void {
  const fields = findBlockType(type)?.fields ?? [];
  const need = (field: string, description: string): void => {
    if (isMissing(config, field)) report('missing_config', field, null, { field, description });
  };
  for (const field of fields)
    if (field.required && field.name !== 'code') need(field.name, field.description);
  if (type === 'agent' && isMissing(config, 'agent_id')) {
    const other = 'give agent_id and input, or model, system_prompt and input';
    need('model', other);
    need('system_prompt', other);
  }
  if (type === 'code' && !Object.hasOwn(config, 'code')) need('code', 'Python source that assigns output');
}

/** Checks the ids and models that the project must know (rule 20). */
function checkProject(block: Block, report: Report, project: ProjectFacts): void {
  const { ids, models } = findMentions(block.config);
  for (const kind of Object.keys(ids) as ReferredKind[]) {
    const field = kind === 'knowledge_base' ? 'knowledge_bases' : `${kind}_id`;
    for (const id of ids[kind])
      if (project.missing[kind].has(id)) report(`unknown_${kind}`, field, id, { id: id.slice(0, 60) });
  }
  for (const model of models) {
    if (block.type !== 'agent' || !isLiteralId(model) || !project.unknownModels.has(model)) continue;
    report('unknown_model', 'model', model, () => ({
      model: model.slice(0, 60),
      nearest: nearestHint(nearestNames(model, project.models, 3)),
      all: project.models.join(', '),
    }));
  }
}
