/** The faults of a graph that no request asks for, whatever a case is about. */
import type { Graph } from '../../client/src/index.ts';
import { below, edgeInWords, handlesOf, referencesIn, TRIGGERS } from './graph-facts.ts';

const BLOCK_WIDTH = 250;
const BLOCK_HEIGHT = 120;

/** All faults, each as a line that names its blocks. A line is the same in every graph that has the fault. */
export function faultsOf(graph: Graph): string[] {
  return [
    ...triggerFaults(graph),
    ...edgeFaults(graph),
    ...cycleFaults(graph),
    ...referenceFaults(graph),
    ...nameFaults(graph),
    ...overlapFaults(graph),
  ];
}

function triggerFaults({ blocks }: Graph): string[] {
  const triggers = blocks.filter(({ type }) => TRIGGERS.includes(type));
  return triggers.length > 1 ? [`${triggers.length} triggers`] : [];
}

function edgeFaults(graph: Graph): string[] {
  const byId = new Map(graph.blocks.map((block) => [block.id, block]));
  const seen = new Set<string>();
  return graph.edges.flatMap((edge) => {
    const words = edgeInWords(graph, edge);
    const source = byId.get(edge.source);
    const target = byId.get(edge.target);
    if (!source || !target) return [`the edge ${words} has an end that is no block`];
    const faults: string[] = [];
    if (seen.has(words)) faults.push(`the edge ${words} is there twice`);
    seen.add(words);
    if (TRIGGERS.includes(target.type)) faults.push(`the edge ${words} leads into the trigger`);
    if (source.type === 'response') faults.push(`the edge ${words} leaves a response`);
    const handles = handlesOf(source);
    if (handles === null && edge.sourceHandle !== undefined) faults.push(`the edge ${words} has a handle`);
    if (handles !== null && !handles.includes(edge.sourceHandle ?? ''))
      faults.push(`the edge ${words} has none of the handles ${handles.join(', ')}`);
    return faults;
  });
}

function cycleFaults(graph: Graph): string[] {
  const names = graph.blocks.filter(({ id }) => below(graph, [id]).has(id)).map(({ name }) => name);
  return names.length > 0 ? [`a cycle through ${names.join(', ')}`] : [];
}

function referenceFaults(graph: Graph): string[] {
  return graph.blocks.flatMap((block) =>
    [...new Set(referencesIn(block.config))].flatMap((name) => {
      const target = graph.blocks.find((other) => other.name.toLowerCase() === name.trim().toLowerCase());
      if (!target) return [`${block.name} refers to ${name}, which is no block`];
      return below(graph, [target.id]).has(block.id)
        ? []
        : [`${block.name} refers to ${name}, which is not above it`];
    }),
  );
}

function nameFaults({ blocks }: Graph): string[] {
  const seen = new Set<string>();
  return blocks.flatMap(({ name }) => {
    const key = name.toLowerCase();
    const faults = [
      ...(seen.has(key) ? [`two blocks are named ${name}`] : []),
      ...(/^[\p{L}\p{N}_ -]+$/u.test(name) ? [] : [`no reference can name ${name}`]),
    ];
    seen.add(key);
    return faults;
  });
}

function overlapFaults({ blocks }: Graph): string[] {
  return blocks.flatMap((block, index) =>
    blocks
      .slice(index + 1)
      .filter(
        ({ position: { x, y } }) =>
          Math.abs(x - block.position.x) < BLOCK_WIDTH && Math.abs(y - block.position.y) < BLOCK_HEIGHT,
      )
      .map(({ name }) => `${block.name} and ${name} overlap`),
  );
}
