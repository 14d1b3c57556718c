/** Parts of the environment's schema that more than one variable has. */
import { z } from 'zod';

/** One stray control character, such as the CR of a file from Windows, and no request could carry the key. */
export const apiKey = z
  .string()
  .trim()
  .regex(/^[!-~]+$/, 'holds characters that no key has; check it for spaces and line ends');

/** A URL of one of these protocols, each with its colon. */
export const url = (protocols: string[]) =>
  z
    .string()
    .refine(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `write a URL that starts with ${protocols.map((p) => `${p}//`).join(' or ')}`,
    );
