/** A tool's schema as a model reads it. The adapters make the strict form of it (llm/adapters/strict-schema.ts). */
import { z } from 'zod';
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { isObject } from '../../domain/text/json.ts';

/** Limits that a model need not know. The registry checks them, and its refusal names them. */
const LEFT_OUT = new Set(['$schema', 'maxItems', 'maxLength', 'minItems', 'propertyNames']);

/** The JSON Schema of a tool's arguments, with plain optional properties. */
export function toModelSchema(input: z.ZodType): JsonObject {
  return slim(z.toJSONSchema(input, { io: 'input' }) as JsonObject);
}

function slim(schema: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([key, value]): [string, Json][] => {
      if (LEFT_OUT.has(key)) return [];
      // An empty schema allows any value, and so does no schema.
      if (key === 'additionalProperties' && isObject(value) && Object.keys(value).length === 0) return [];
      if (key !== 'properties') return [[key, isObject(value) ? slim(value) : value]];
      const properties = Object.entries(value as JsonObject);
      return [[key, Object.fromEntries(properties.map(([name, part]) => [name, slim(part as JsonObject)]))]];
    }),
  );
}
