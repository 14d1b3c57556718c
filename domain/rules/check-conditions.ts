/** The rules on the expressions of conditions: each must be able to be right (rules 17, 18). */
import { nameKey } from '../graph/find-block.ts';
import type { Block, Graph } from '../graph/graph.ts';
import type { JsonObject } from '../text/json-value.ts';
import { isObject } from '../text/json.ts';
import { branchHandle, nearestNames } from './block-registry.ts';
import {
  correctExpression,
  findExpressionFault,
  FUNCTIONS,
  METHODS,
  type Scope,
} from './expression-faults.ts';
import { toReference } from './expression-tokens.ts';
import { type Finding, finding } from './finding.ts';

interface Faulty {
  handle: string;
  expression: string;
  certain: boolean;
}

const NO_SCOPE: Scope = { referenceFor: () => null };
const EXAMPLE = 'Write it like <Check.output.score> > 5 and <Start.output.kind> == "new".';

/** The faulty expressions of configs. Configs are never changed in place, so an entry stays valid. */
const known = new WeakMap<JsonObject, readonly Faulty[]>();

/**
 * Findings about the expressions of a graph's conditions. Their keys have no handles, so an old fault stays the same fault
 * when another branch moves it.
 */
export function checkConditions(graph: Graph): Finding[] {
  let scope: Scope | null = null;
  const getScope = (): Scope => (scope ??= createScope(graph));
  return graph.blocks.flatMap((block) =>
    block.type === 'condition'
      ? faultyOf(block.config).map((faulty) => toFinding(block, faulty, getScope))
      : [],
  );
}

function toFinding(
  { id, name }: Block,
  { handle, expression, certain }: Faulty,
  getScope: () => Scope,
): Finding {
  const key = JSON.stringify([id, expression]);
  return finding(
    certain ? 'expression_syntax' : 'expression_syntax/doubtful',
    key,
    { block: name, field: 'branches' },
    () => {
      const fault = findExpressionFault(expression, getScope());
      const corrected = correctExpression(expression, getScope());
      return {
        handle,
        fault: fault?.message ?? '',
        at: (fault?.at ?? 0) + 1,
        correction: corrected === null ? EXAMPLE : `Write: ${corrected}`,
        functions: `${FUNCTIONS.join(', ')}; methods: ${METHODS.join(', ')}`,
      };
    },
  );
}

function faultyOf(config: JsonObject): readonly Faulty[] {
  const before = known.get(config);
  if (before) return before;
  const branches = Array.isArray(config.branches) ? config.branches : [];
  const faulty = branches.flatMap((branch, index): Faulty[] => {
    const expression = isObject(branch) ? branch.expression : undefined;
    if (typeof expression !== 'string' || expression.trim() === '') return [];
    const fault = findExpressionFault(expression, NO_SCOPE);
    return fault ? [{ handle: branchHandle(index), expression, certain: fault.certain }] : [];
  });
  known.set(config, faulty);
  return faulty;
}

/** The scope of a graph: words may name a block, or an input of its starter. */
function createScope({ blocks }: Graph): Scope {
  const names = new Map(blocks.map(({ name }) => [nameKey(name), name]));
  const starter = blocks.find(({ type }) => type === 'starter');
  const inputs = starter && isObject(starter.config.input) ? Object.keys(starter.config.input) : [];
  return {
    referenceFor(words, path) {
      const block = names.get(nameKey(words));
      if (block !== undefined) return toReference(block, path);
      const input = inputs.find((key) => nameKey(key) === nameKey(words));
      if (starter && input !== undefined && !path.startsWith('.output'))
        return toReference(starter.name, `.${input}${path}`);
      if (path === '') return null;
      const [nearest] = nearestNames(words, [...names.values()], 1);
      return nearest === undefined ? null : toReference(nearest, path);
    },
  };
}
