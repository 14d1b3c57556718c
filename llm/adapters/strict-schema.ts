/**
 * The strict form of a tool's schema, for providers that take `strict: true`: every object is closed, every property is
 * required, and an optional property takes null. Other providers get the schema as it is.
 */
import type { Json, JsonObject } from '../../domain/text/json-value.ts';
import { isObject } from '../../domain/text/json.ts';

/** Keywords that a strict schema may not have and that allow nothing more when left out: the service checks values itself. */
const LEFT_OUT = new Set([
  'contains',
  'default',
  'maxLength',
  'maxProperties',
  'minLength',
  'minProperties',
  'propertyNames',
  'uniqueItems',
]);
/** Keywords that a strict schema may not have and that change what a value means. */
const NOT_STRICT = ['allOf', 'not', 'oneOf', 'patternProperties'];
/** A strict schema must limit its values by one of these keywords. */
const SAYS_TYPE = ['type', 'anyOf', 'enum', 'const', '$ref'];

const known = new WeakMap<JsonObject, JsonObject | null>();

/** The schema and `strict` for a model. `strict` is true when the model takes it and the schema has a strict form. */
export function schemaFor(
  schema: JsonObject,
  takesStrict: boolean,
): { parameters: JsonObject; strict: boolean } {
  const strict = takesStrict ? strictOf(schema) : null;
  return { parameters: strict ?? schema, strict: strict !== null };
}

function strictOf(schema: JsonObject): JsonObject | null {
  let strict = known.get(schema);
  if (strict === undefined) {
    strict = toStrictSchema(schema);
    known.set(schema, strict);
  }
  return strict;
}

/** The strict form of a schema. Null when there is none: an object takes keys that the schema does not name. */
export function toStrictSchema(schema: JsonObject): JsonObject | null {
  if (NOT_STRICT.some((key) => key in schema) || !SAYS_TYPE.some((key) => key in schema)) return null;
  const strict: JsonObject = {};
  for (const [key, value] of Object.entries(schema)) {
    if (LEFT_OUT.has(key)) continue;
    const part = toStrictPart(key, value, schema);
    if (part === null) return null;
    strict[key] = part;
  }
  if (!isObjectSchema(schema)) return strict;
  if (!isObject(schema.properties) || (schema.additionalProperties ?? false) !== false) return null;
  return { ...strict, required: Object.keys(schema.properties), additionalProperties: false };
}

/** The strict form of one keyword's value; null when it has none. */
function toStrictPart(key: string, value: Json, schema: JsonObject): Json | null {
  if (key === 'items') return isObject(value) ? toStrictSchema(value) : null;
  if (key === 'anyOf') {
    const parts = (value as JsonObject[]).map(toStrictSchema);
    return parts.includes(null) ? null : parts;
  }
  if (key !== 'properties') return value;
  const required = Array.isArray(schema.required) ? schema.required : [];
  const properties: JsonObject = {};
  for (const [name, property] of Object.entries(value as JsonObject)) {
    const strict = toStrictSchema(property as JsonObject);
    if (strict === null) return null;
    properties[name] = required.includes(name) ? strict : orNull(strict);
  }
  return properties;
}

function isObjectSchema({ type, properties }: JsonObject): boolean {
  return type === 'object' || properties !== undefined;
}

/** The schema with null beside its values. */
function orNull(schema: JsonObject): JsonObject {
  const { type, enum: values, anyOf } = schema;
  if (typeof type === 'string')
    return {
      ...schema,
      type: [type, 'null'],
      ...(Array.isArray(values) ? { enum: [...values, null] } : {}),
    };
  if (Array.isArray(anyOf)) return { ...schema, anyOf: [...anyOf, { type: 'null' }] };
  return { anyOf: [schema, { type: 'null' }] };
}
