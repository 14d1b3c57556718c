/** Collects JSON Schemas of zod schemas. A schema with an id becomes a component that others refer to. */
import { z } from 'zod';
import { shapeOf } from './described-as.ts';

export type JsonSchema = z.core.JSONSchema.BaseSchema;

/** `input` is for requests, `output` for answers. */
export type Direction = 'input' | 'output';

export interface SchemaBook {
  /** The components so far, by id. */
  components: Record<string, JsonSchema>;
  /** The schema, or a reference to its component. Throws when two schemas with one id differ. */
  write(schema: z.ZodType, direction: Direction): JsonSchema;
}

/** Creates a book without components. */
export function createSchemaBook(): SchemaBook {
  const components: Record<string, JsonSchema> = {};
  const write: SchemaBook['write'] = (schema, direction) => {
    // The schema is put into an object, because zod writes out a root schema with an id instead of referring to it.
    const { properties, $defs } = toJsonSchema(z.object({ root: shapeOf(schema) }), direction);
    for (const [id, component] of Object.entries($defs ?? {})) {
      const known = components[id];
      if (known !== undefined && JSON.stringify(known) !== JSON.stringify(component))
        throw new Error(`two schemas have the id ${id}`);
      components[id] = component;
    }
    const root = properties?.root;
    return typeof root === 'object' ? root : {};
  };
  return { components, write };
}

function toJsonSchema(schema: z.ZodType, direction: Direction): JsonSchema {
  const written = z.toJSONSchema(schema, {
    io: direction,
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => tidy(jsonSchema),
  });
  const text = JSON.stringify(written).replaceAll('"$ref":"#/$defs/', '"$ref":"#/components/schemas/');
  return JSON.parse(text) as JsonSchema;
}

/** Lets answers have unknown fields, because new ones may come, and removes the bounds of safe integers as noise. */
function tidy(schema: JsonSchema): void {
  if (schema.additionalProperties === false) delete schema.additionalProperties;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
  if ('example' in schema) {
    schema.examples = [schema.example];
    delete schema.example;
  }
}
