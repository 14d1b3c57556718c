/**
 * References in configs: `<Block Name.output>` and `<Block Name.output.field>`, and `input_data["Block Name"]` in code.
 * Block names in references are letters, digits, `_`, space and `-`.
 */
import { nameKey } from './find-block.ts';
import type { Json, JsonObject } from './graph.ts';
import { setKey } from './json.ts';

const NAME = /^[\p{L}\p{N}_ -]+$/u;
// The path is taken loosely, so that a rename also finds what the engine may resolve by other means, as `[0]`.
const REFERENCE = /<([\p{L}\p{N}_ -]+)\.output((?:[.[][^<>\n]*)?)>/gu;
const INPUT_DATA = /(?<!\w)input_data(\s*(?:\[|\.get\()\s*)(["'])([^"'\n]+)\2/g;

/** True for a name that references can spell. */
export function isReferenceName(name: string): boolean {
  return NAME.test(name);
}

/** The names that a value refers to, in order of appearance, doubles included. */
export function findReferences(value: Json): string[] {
  const names: string[] = [];
  visitStrings(value, (text) => {
    for (const match of text.matchAll(REFERENCE)) names.push(match[1]!);
    for (const match of text.matchAll(INPUT_DATA)) names.push(match[3]!);
  });
  return names;
}

/** The config with every reference to one name pointing to another; the same object when nothing refers to it. */
export function renameReferences(config: JsonObject, from: string, to: string): JsonObject {
  const wanted = nameKey(from);
  if (!findReferences(config).some((name) => nameKey(name) === wanted)) return config;
  return mapStrings(config, (text) =>
    text
      .replace(REFERENCE, (match, name: string, path: string) =>
        nameKey(name) === wanted ? `<${to}.output${path}>` : match,
      )
      .replace(INPUT_DATA, (match, open: string, quote: string, name: string) =>
        nameKey(name) === wanted ? `input_data${open}${quote}${to}${quote}` : match,
      ),
  ) as JsonObject;
}

function visitStrings(value: Json, visit: (text: string) => void): void {
  if (typeof value === 'string') visit(value);
  else if (Array.isArray(value)) for (const item of value) visitStrings(item, visit);
  else if (value !== null && typeof value === 'object') {
    for (const key of Object.keys(value)) visitStrings(value[key]!, visit);
  }
}

function mapStrings(value: Json, map: (text: string) => string): Json {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (value === null || typeof value !== 'object') return value;
  const result: JsonObject = {};
  for (const key of Object.keys(value)) setKey(result, key, mapStrings(value[key]!, map));
  return result;
}
