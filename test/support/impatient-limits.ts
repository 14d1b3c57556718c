import { PROVIDER } from '../../runtime/bounds.ts';

/** The bounds of a model call with less patience: a real worker waits for a minute before it gives up a silent provider. */
export const IMPATIENT = { ...PROVIDER, idleMs: 8_000, silentIdleMs: 8_000 };
