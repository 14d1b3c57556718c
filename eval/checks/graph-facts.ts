/**
 * What checks read of a graph. Written apart from domain/rules/, which the copilot's own tool uses: a fault of a rule must
 * not hide itself.
 */
import type { Block, Edge, Graph, Json } from '../../client/src/index.ts';

/** The types of the blocks in which a workflow begins. */
export const TRIGGERS: readonly string[] = ['starter', 'webhook'];

/** Which blocks are meant. Every part that is given must fit. */
export interface Select {
  type?: string | readonly string[];
  name?: string | RegExp;
  /** Compared with the config as JSON text. */
  text?: RegExp;
}

/** The blocks that fit. */
export function select(graph: Graph, { type, name, text }: Select): Block[] {
  return graph.blocks.filter(
    (block) =>
      (type === undefined || [type].flat().includes(block.type)) &&
      (name === undefined || (typeof name === 'string' ? block.name === name : name.test(block.name))) &&
      (text === undefined || text.test(JSON.stringify(block.config))),
  );
}

/** A selection in words. */
export function inWords({ type, name, text }: Select): string {
  const parts = [
    ...(type === undefined ? [] : [`of type ${[type].flat().join(' or ')}`]),
    ...(name === undefined ? [] : [`named ${String(name)}`]),
    ...(text === undefined ? [] : [`whose config has ${String(text)}`]),
  ];
  return `block ${parts.join(' ')}`;
}

/** The ids of all blocks that the edges lead to from these blocks, without the blocks themselves unless a cycle does. */
export function below(graph: Graph, ids: readonly string[]): Set<string> {
  const next = new Map<string, string[]>();
  for (const { source, target } of graph.edges) next.set(source, [...(next.get(source) ?? []), target]);
  const found = new Set<string>();
  const work = [...ids];
  for (let id = work.pop(); id !== undefined; id = work.pop())
    for (const target of next.get(id) ?? []) {
      if (found.has(target)) continue;
      found.add(target);
      work.push(target);
    }
  return found;
}

/** The block of that exact name, or undefined. */
export function named(graph: Graph, name: string): Block | undefined {
  return graph.blocks.find((block) => block.name === name);
}

/** An edge by the names of its blocks. */
export function edgeInWords(graph: Graph, { source, target, sourceHandle }: Edge): string {
  const nameOf = (id: string): string => graph.blocks.find((block) => block.id === id)?.name ?? `?${id}`;
  return `${nameOf(source)} ${sourceHandle === undefined ? '' : `(${sourceHandle}) `}-> ${nameOf(target)}`;
}

const TEMPLATE = /<([\p{L}\p{N}_ -]+)\.output\b/gu;
const INPUT_DATA = /\binput_data\s*(?:\[|\.get\()\s*["']([^"']+)["']/g;

/** The names of the blocks that a config refers to. */
export function referencesIn(config: Json): string[] {
  const found: string[] = [];
  const visit = (value: Json): void => {
    if (typeof value === 'string') {
      for (const pattern of [TEMPLATE, INPUT_DATA])
        for (const match of value.matchAll(pattern)) found.push(match[1]!);
    } else if (Array.isArray(value)) value.forEach(visit);
    else if (value !== null && typeof value === 'object') Object.values(value).forEach(visit);
  };
  visit(config);
  return found;
}

/** The handles of a block; null for one whose edges carry none. */
export function handlesOf({ type, config }: Block): string[] | null {
  if (type === 'split')
    return Array.from({ length: Number(config.branches ?? 2) }, (_, index) => String(index + 1));
  if (type !== 'condition') return null;
  const count = Array.isArray(config.branches) ? config.branches.length : 0;
  return [...Array.from({ length: count }, (_, index) => (index === 0 ? 'if' : `elif_${index}`)), 'else'];
}

/** A value of a config as text: itself, or as JSON. */
export function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}
