import type { z } from 'zod';

const shapes = new WeakMap<z.ZodType, z.ZodType>();

/** A schema that reads more freely, or makes more of what it reads, than it should be told: the description tells `shape`. */
export function describedAs<S extends z.ZodType>(shape: z.ZodType, schema: S): S {
  shapes.set(schema, shape);
  return schema;
}

/** The schema that the description tells. */
export function shapeOf(schema: z.ZodType): z.ZodType {
  return shapes.get(schema) ?? schema;
}
