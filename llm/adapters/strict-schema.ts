import type { Json, JsonObject } from '../../domain/text/json-value.ts';

/** Keywords that a provider does not take in a strict schema. */
const NOT_STRICT = [
  'allOf',
  'contains',
  'default',
  'maxLength',
  'maxProperties',
  'minLength',
  'minProperties',
  'not',
  'oneOf',
  'patternProperties',
  'propertyNames',
  'uniqueItems',
];
/** A strict schema must limit its values by one of these keywords. */
const SAYS_TYPE = ['type', 'anyOf', 'enum', 'const', '$ref'];

/**
 * Whether a schema is in the strict subset: every object is closed and requires all of its properties. Providers refuse
 * `strict: true` for any other schema.
 */
export function isStrictSchema(schema: Json | undefined): boolean {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return true;
  const node = schema;
  if (NOT_STRICT.some((key) => key in node) || !SAYS_TYPE.some((key) => key in node)) return false;
  const parts = [node.items, ...(Array.isArray(node.anyOf) ? node.anyOf : [])];
  if (!parts.every(isStrictSchema)) return false;
  if (node.type !== 'object' && node.properties === undefined) return true;
  const properties = (node.properties ?? {}) as JsonObject;
  const required = Array.isArray(node.required) ? node.required : [];
  return (
    node.additionalProperties === false &&
    Object.keys(properties).every((key) => required.includes(key)) &&
    Object.values(properties).every(isStrictSchema)
  );
}
