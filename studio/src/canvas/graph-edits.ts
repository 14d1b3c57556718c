/** The edits that a person makes on the canvas. Pure: each gives the graph after it. */
import type { Block, BlockType, Edge, Graph, Json, JsonObject, Position } from '../../../client/src/index.ts';
import { edgeKey, type EdgeEnds, toEdge } from '../store/edges.ts';
import { BLOCK_WIDTH } from './scene.ts';

const GAP_Y = 110;

export function moveBlocks(positions: ReadonlyMap<string, Position>): (graph: Graph) => Graph {
  return (graph) => {
    const moved = (block: Block): boolean => {
      const to = positions.get(block.id);
      return to !== undefined && (to.x !== block.position.x || to.y !== block.position.y);
    };
    if (!graph.blocks.some(moved)) return graph;
    return {
      ...graph,
      blocks: graph.blocks.map((block) =>
        moved(block) ? { ...block, position: positions.get(block.id) ?? block.position } : block,
      ),
    };
  };
}

export function changeBlock(id: string, change: Partial<Block>): (graph: Graph) => Graph {
  return (graph) => ({
    ...graph,
    blocks: graph.blocks.map((block) => (block.id === id ? { ...block, ...change } : block)),
  });
}

/** Sets a field of a config; undefined takes it out. */
export function setField(id: string, field: string, value: Json | undefined): (graph: Graph) => Graph {
  return (graph) => ({
    ...graph,
    blocks: graph.blocks.map((block) => {
      if (block.id !== id) return block;
      const config = Object.fromEntries(Object.entries(block.config).filter(([name]) => name !== field));
      return {
        ...block,
        config:
          value === undefined
            ? config
            : Object.hasOwn(block.config, field)
              ? Object.fromEntries(
                  Object.entries(block.config).map(([name, old]) => [name, name === field ? value : old]),
                )
              : Object.fromEntries([...Object.entries(config), [field, value]]),
      };
    }),
  });
}

/** Gives a block another name, and every reference to it: `<Name.output ...>` and `input_data["Name"]`. */
export function renameBlock(id: string, name: string): (graph: Graph) => Graph {
  return (graph) => {
    const block = graph.blocks.find((one) => one.id === id);
    if (!block || block.name === name) return graph;
    const others = graph.blocks.filter((one) => one.id !== id);
    // References by a name that two blocks share may mean the other one.
    const isUnique = block.name !== '' && others.every((one) => one.name !== block.name);
    return {
      ...graph,
      blocks: graph.blocks.map((one) => {
        const config = isUnique ? renameIn(one.config, block.name, name) : one.config;
        return one.id === id ? { ...one, name, config } : config === one.config ? one : { ...one, config };
      }),
    };
  };
}

function renameIn(config: JsonObject, from: string, to: string): JsonObject {
  const rename = (value: Json): Json => {
    if (typeof value === 'string')
      return value
        .replaceAll(`<${from}.output`, () => `<${to}.output`)
        .replaceAll(`input_data["${from}"]`, () => `input_data["${to}"]`)
        .replaceAll(`input_data['${from}']`, () => `input_data['${to}']`);
    if (Array.isArray(value)) {
      const list = value.map(rename);
      return list.every((item, index) => item === value[index]) ? value : list;
    }
    if (typeof value !== 'object' || value === null) return value;
    return renameObject(value);
  };
  const renameObject = (object: JsonObject): JsonObject => {
    const entries = Object.entries(object).map(([key, item]) => [key, rename(item)] as const);
    return entries.every(([key, item]) => item === object[key]) ? object : Object.fromEntries(entries);
  };
  return renameObject(config);
}

export function deleteFromGraph(
  blockIds: ReadonlySet<string>,
  edgeKeys: ReadonlySet<string>,
): (graph: Graph) => Graph {
  return ({ blocks, edges }) => ({
    blocks: blocks.filter(({ id }) => !blockIds.has(id)),
    edges: edges.filter(
      (edge) => !blockIds.has(edge.source) && !blockIds.has(edge.target) && !edgeKeys.has(edgeKey(edge)),
    ),
  });
}

/** Why two blocks can't be connected; null when they can. */
export function connectionProblem(
  graph: Graph,
  ends: EdgeEnds,
  types: ReadonlyMap<string, BlockType>,
): string | null {
  const typeOf = (id: string): BlockType | undefined =>
    types.get(graph.blocks.find((block) => block.id === id)?.type ?? '');
  if (ends.source === ends.target) return 'A block can’t lead to itself.';
  if (typeOf(ends.target)?.trigger === true) return 'Nothing leads to the start of a workflow.';
  if (typeOf(ends.source)?.terminal === true) return 'Nothing follows a block that ends the workflow.';
  const key = edgeKey(ends);
  return graph.edges.some((edge) => edgeKey(edge) === key) ? 'They are connected already.' : null;
}

export function connect(ends: EdgeEnds): (graph: Graph) => Graph {
  return (graph) => ({ ...graph, edges: [...graph.edges, toEdge(ends)] });
}

export function disconnect(edge: Edge): (graph: Graph) => Graph {
  return deleteFromGraph(new Set(), new Set([edgeKey(edge)]));
}

/** A new block of a type: its defaults, a name that no other block has, a free place near the given one. */
export function newBlock(graph: Graph, type: BlockType, near: Position): Block {
  const names = new Set(graph.blocks.map(({ name }) => name));
  let name = type.label;
  for (let number = 2; names.has(name); number += 1) name = `${type.label} ${number}`;
  return {
    id: crypto.randomUUID(),
    type: type.type,
    name,
    enabled: true,
    position: freePlace(graph, { x: Math.round(near.x), y: Math.round(near.y) }),
    config: Object.fromEntries(
      type.config.flatMap((field) => (field.default === undefined ? [] : [[field.name, field.default]])),
    ),
  };
}

function freePlace(graph: Graph, near: Position): Position {
  const isTaken = ({ x, y }: Position): boolean =>
    graph.blocks.some(
      ({ position }) => Math.abs(position.x - x) < BLOCK_WIDTH && Math.abs(position.y - y) < GAP_Y,
    );
  let place = near;
  while (isTaken(place)) place = { x: place.x, y: place.y + GAP_Y };
  return place;
}

export function addBlock(block: Block): (graph: Graph) => Graph {
  return (graph) => ({ ...graph, blocks: [...graph.blocks, block] });
}
