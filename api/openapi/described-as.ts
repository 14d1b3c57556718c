import type { z } from 'zod';

/** A schema whose reading is left to code, told in the description as `shape`, which has an id. */
export function describedAs<S extends z.ZodType>(shape: z.ZodType, schema: S): S {
  const id = shape.meta()?.id;
  if (id === undefined) throw new Error('only a schema with an id can stand for another');
  return schema.meta({ $ref: `#/components/schemas/${id}` });
}
