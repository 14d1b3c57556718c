/** What the model is told of an edit: each thing once, and nothing that it has seen on the canvas. */
import type { EditOutcome } from '../../domain/edit/judge-edit.ts';
import type { UpdatedBlock } from '../../domain/edit/touched-blocks.ts';
import { nameKey } from '../../domain/graph/find-block.ts';
import type { Block, Graph } from '../../domain/graph/graph.ts';
import type { Problem } from '../../domain/rules/finding.ts';
import { hideSecrets } from '../../domain/text/hide-secrets.ts';
import { jsonEqual, withoutNulls } from '../../domain/text/json.ts';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { shortenTexts } from '../../domain/text/shorten-inside.ts';

/** The characters of a text of a config that are shown: the model wrote the text itself, or saw it on the canvas. */
const MAX_TEXT_CHARS = 400;

/** The result of an applied edit of `before`. `graph` counts what the graph holds now. */
export function describeEdit(
  before: Graph,
  { graph, changes, warnings, stillOpen }: Extract<EditOutcome, { applied: true }>,
) {
  const { added = [], updated = [], ...names } = changes;
  const now = new Map(graph.blocks.map((block) => [block.id, block]));
  const was = new Map(before.blocks.map((block) => [block.id, block]));
  const shared = sharedNames(graph);
  const shownAdded = added.flatMap(({ id }) => now.get(id) ?? []).map(describeAdded);
  const shownUpdated = updated.map((update) =>
    describeUpdated(update, was.get(update.formerId ?? update.id), now.get(update.id)!, shared),
  );
  return {
    applied: true,
    changes: {
      ...(shownAdded.length > 0 ? { added: shownAdded } : {}),
      ...(shownUpdated.length > 0 ? { updated: shownUpdated } : {}),
      ...names,
    },
    warnings: [...warnings.map(describeProblem), ...stillOpen.map(describeOpen)],
    graph: { blocks: graph.blocks.length, edges: graph.edges.length },
  };
}

/** A problem without the parts that say nothing. */
export function describeProblem({ was_there_before, ...found }: Problem): JsonObject {
  return { ...withoutNulls(found), ...(was_there_before ? { was_there_before } : {}) };
}

/** A warning that is told again. Its hint was told when the warning was new. */
function describeOpen(found: Problem): JsonObject {
  return describeProblem({ ...found, hint: null });
}

function describeAdded({ id, name, type, position, config, enabled }: Block): JsonObject {
  const shown = showConfig(config);
  return {
    id,
    name,
    type,
    position: { ...position },
    ...(Object.keys(config).length === 0 ? {} : { config: shown }),
    ...(enabled ? {} : { enabled }),
  };
}

/** What an update changed of a block. The id is told when it changed, or when the name alone does not name the block. */
function describeUpdated(
  { id, name, formerName, formerId }: UpdatedBlock,
  before: Block | undefined,
  after: Block,
  shared: ReadonlySet<string>,
): JsonObject {
  const isMoved =
    before === undefined || before.position.x !== after.position.x || before.position.y !== after.position.y;
  return {
    ...(formerId !== undefined || shared.has(nameKey(name)) ? { id } : {}),
    name,
    ...(formerName === undefined ? {} : { former_name: formerName }),
    ...(formerId === undefined ? {} : { former_id: formerId }),
    ...(jsonEqual(before?.config, after.config) ? {} : { config: showConfig(after.config) }),
    ...(isMoved ? { position: { ...after.position } } : {}),
    ...(before?.enabled === after.enabled ? {} : { enabled: after.enabled }),
  };
}

/** The names that several blocks have. */
function sharedNames({ blocks }: Graph): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const { name } of blocks) {
    const key = nameKey(name);
    if (seen.has(key)) shared.add(key);
    seen.add(key);
  }
  return shared;
}

function showConfig(config: JsonObject): Json {
  return shortenTexts(hideSecrets(config), MAX_TEXT_CHARS);
}
