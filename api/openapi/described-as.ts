import type { z } from 'zod';

const shapes = new WeakMap<z.ZodType, z.ZodType>();

/** Marks a schema that accepts or returns more than the description should tell. The description shows `shape` instead. */
export function describedAs<S extends z.ZodType>(shape: z.ZodType, schema: S): S {
  shapes.set(schema, shape);
  return schema;
}

/** The schema that the description shows. */
export function shapeOf(schema: z.ZodType): z.ZodType {
  return shapes.get(schema) ?? schema;
}
