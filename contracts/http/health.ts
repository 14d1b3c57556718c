/** The answers of health checks and of requests that return no data. */
import { z } from 'zod';

/** The answer of a request that succeeded. */
export const okAnswer = z
  .object({ ok: z.literal(true) })
  .meta({ id: 'Ok', description: 'It worked.', example: { ok: true } });
export type Ok = z.input<typeof okAnswer>;
