/** The bodies of errors. */
import { z } from 'zod';
import { uuid } from './values.ts';

/** The statuses with which the API ends a request. */
export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 409 | 413 | 415 | 417 | 429 | 431 | 500 | 503;

const error = z.string().meta({
  description: 'What is wrong, for a person to act on.',
  example: 'No copilot session exists with the given ID',
});

/** Every error has this form. */
export const errorAnswer = z
  .object({ error })
  .meta({ id: 'Error', description: 'Every error has this form.' });

/** An error about a turn that runs, or that may be running. */
export const turnErrorAnswer = z
  .object({ error, turn_id: uuid.optional() })
  .meta({ id: 'TurnError', description: 'An error that may name a turn.' });

/** The error when a graph was changed meanwhile. */
export const versionErrorAnswer = z
  .object({ error, version: z.int().optional() })
  .meta({ id: 'VersionError', description: 'The version at which the workflow is now.' });

/** The error when a change no longer fits the graph. */
export const conflictErrorAnswer = z
  .object({ error, blocks: z.array(z.string()).optional() })
  .meta({ id: 'ConflictError', description: 'The blocks that stand in the way of a change.' });

/** The error when the service can't answer now. */
export const notReadyAnswer = z
  .object({ error, problems: z.array(z.string()) })
  .meta({ id: 'NotReady', description: 'Why the service is not ready, in sentences for an operator.' });
export type NotReady = z.input<typeof notReadyAnswer>;
