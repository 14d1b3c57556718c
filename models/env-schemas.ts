/** Schemas that several environment variables share. */
import { z } from 'zod';

/** A key for an HTTP header. A control character, such as the CR of a Windows file, would make every request fail. */
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
