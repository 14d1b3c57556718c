/** Small answers. */
import { z } from 'zod';

/** It worked. */
export const okAnswer = z
  .object({ ok: z.literal(true) })
  .meta({ id: 'Ok', description: 'It worked.', example: { ok: true } });
export type Ok = z.input<typeof okAnswer>;
