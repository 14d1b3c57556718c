/** The `try` argument of modify_workflow: a sample input, and outputs of blocks that a dry run does not call. */
import { nameKey } from '../graph/find-block.ts';
import type { Block } from '../graph/graph.ts';
import { nearestNames } from '../rules/block-registry.ts';
import type { Json, JsonObject } from '../text/json-value.ts';
import { isDeeperThan, isObject } from '../text/json.ts';

export interface TryInput {
  /** What the trigger gets. */
  input?: JsonObject | null | undefined;
  /** What agents, code, APIs and the platform give, by the name or id of the block. */
  outputs?: JsonObject | null | undefined;
}

/** Types whose output a dry run cannot know. */
export const CALLING = ['agent', 'code', 'general_api', 'platform_api'];
const MAX_LEVELS = 50;
/** How many outputs that fit no block are told. Finding the nearest name compares a name with every block's. */
const MAX_IGNORED = 10;

/** What is wrong with the shape of a `try` argument, as the end of a sentence; null for a TryInput. Takes any JSON. */
export function checkTryShape(value: unknown): { where: string; fault: string } | null {
  if (!isObject(value)) return { where: 'try', fault: 'must be an object' };
  if (isDeeperThan(value, MAX_LEVELS))
    return { where: 'try', fault: `must not nest deeper than ${MAX_LEVELS} levels` };
  for (const part of ['input', 'outputs'])
    if (Object.hasOwn(value, part) && value[part] !== null && !isObject(value[part]))
      return { where: `try.${part}`, fault: 'must be an object' };
  return null;
}

export interface CannedOutputs {
  /** By the id of the block. */
  byId: ReadonlyMap<string, Json>;
  /** Why an output is not used. */
  ignored: string[];
}

/** Finds the blocks that the outputs are for, by id and then by name. */
export function readOutputs(
  outputs: JsonObject,
  blocks: readonly Block[],
  aliases: ReadonlyMap<string, string> = new Map(),
): CannedOutputs {
  const ids = new Map(blocks.map((block) => [block.id, block]));
  const names = new Map(blocks.toReversed().map((block) => [nameKey(block.name), block]));
  const all = blocks.map(({ name }) => name);
  const byId = new Map<string, Json>();
  const ignored: string[] = [];
  for (const key of Object.keys(outputs)) {
    const block = ids.get(key) ?? ids.get(aliases.get(key) ?? '') ?? names.get(nameKey(key));
    if (block && CALLING.includes(block.type)) byId.set(block.id, outputs[key]!);
    else if (ignored.length >= MAX_IGNORED) continue;
    else if (!block) {
      const [nearest] = nearestNames(key.slice(0, 255), all, 1);
      const hint = nearest === undefined ? '' : ` Nearest: ${nearest}.`;
      ignored.push(`outputs names no block ${key.slice(0, 100)}.${hint}`);
    } else ignored.push(`The output of ${block.name} is not taken: a dry run knows it (${block.type}).`);
  }
  return { byId, ignored };
}
