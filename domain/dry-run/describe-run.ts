/** A dry run as the model reads it. */
import { isObject } from '../text/json.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { hideSecrets } from '../text/hide-secrets.ts';
import { shortenInside } from '../text/shorten-inside.ts';
import { ASSUMPTIONS } from './assumptions.ts';
import type { DryRun, Step } from './run-graph.ts';
import { CALLING } from './try-input.ts';
import { Unknown } from './value.ts';

const NOTE =
  'A dry run of the copilot, not of the platform: conditions and references were worked out, nothing was called and no code was run.';
/** Characters of a described run at most. */
export const MAX_TRY_CHARS = 7_000;

/** Describes a dry run. Long values are shortened, secrets hidden, and empty parts left out. */
export function describeRun(run: DryRun): Json {
  const { steps, notTried, ignored, cut } = run;
  const responses = steps.filter(({ block, status }) => block.type === 'response' && status === 'runs');
  const fails = steps.flatMap(({ block, status, why }) =>
    status === 'fails' ? [`${block.name}: ${why ?? ''}`] : [],
  );
  // What only passes an output on is not asked for.
  const unknown = steps.flatMap(({ block, output }) =>
    output instanceof Unknown && CALLING.includes(block.type) ? [block.name] : [],
  );
  const described: JsonObject = {
    note: NOTE,
    outcome: outcomeOf(run, responses),
    path: steps
      .filter(({ status }) => status === 'runs' || status === 'fails')
      .map((step) => nameWithHandle(step)),
    ...(responses[0] ? { response: { block: responses[0].block.name, ...answerOf(responses[0]) } } : {}),
    ...(fails.length > 0 ? { fails } : {}),
    ...(unknown.length > 0 ? { unknown_outputs: unknown } : {}),
    blocks: steps.map((step) => describeStep(step)),
    ...(notTried.length > 0 ? { not_tried: notTried.map(({ block, why }) => `${block}: ${why}`) } : {}),
    ...(run.assumptions.size > 0 ? { assumed: [...run.assumptions].map((id) => ASSUMPTIONS[id]) } : {}),
    ...(ignored.length > 0 ? { ignored } : {}),
    ...(cut === null ? {} : { cut }),
  };
  return shortenInside(hideSecrets(described), MAX_TRY_CHARS);
}

function outcomeOf({ steps, cut }: DryRun, responses: readonly Step[]): string {
  if (cut !== null) return cut;
  const failed = steps.find(({ status }) => status === 'fails');
  if (responses.length > 1)
    return `${responses.map(({ block }) => block.name).join(' and ')} answer; which one is first is not known.`;
  if (responses[0]) return `${responses[0].block.name} answers.`;
  if (failed) return `It fails at ${failed.block.name}.`;
  const maybe = steps.filter(({ block, status }) => block.type === 'response' && status === 'may_run');
  if (maybe.length > 0)
    return `${maybe.map(({ block }) => block.name).join(' or ')} may answer; that depends on unknown outputs.`;
  return 'It ends without a response.';
}

function nameWithHandle({ block, took }: Step): string {
  const sure = took.filter(({ isSure }) => isSure).map(({ handle }) => handle);
  if (took.length === 0) return block.name;
  return sure.length > 0 ? `${block.name} [${sure.join()}]` : `${block.name} [undecided]`;
}

/** The answer of a response: its filled config. */
function answerOf({ got }: Step): JsonObject {
  return isObject(got) ? got : {};
}

function describeStep(step: Step): JsonObject {
  const { block, status, why, got, output, branches, unresolved, mayFail } = step;
  const isShownAbove = block.type === 'response' && status === 'runs';
  return {
    block: block.name,
    status,
    ...(why === null ? {} : { why }),
    ...(got === null || isShownAbove ? {} : { got }),
    ...(block.type === 'starter' && !(output instanceof Unknown) && status !== 'skipped' ? { output } : {}),
    ...(branches.length > 0 ? { branches: branches.map((branch) => ({ ...branch })) } : {}),
    ...(unresolved.length > 0 ? { unresolved: [...unresolved] } : {}),
    ...(mayFail.length > 0 ? { may_fail: [...mayFail] } : {}),
  };
}
