/** What a turn may do at most. Bare constants only: the workflow sandbox imports this file. */

/** Model calls of a turn at most; the last one is made with tool_choice none. */
export const MAX_STEPS = 25;

/** How often an answer is asked to go on: after a cut at the output limit, and after an empty answer. */
export const MAX_CONTINUATIONS = { cut: 3, empty: 1 } as const;

/** The same call with the same arguments and the same result this many times in a row ends the turn as `loop`. */
export const LOOP_LIMIT = 3;

/** What a turn may spend in model calls, in milliseconds; beyond it the turn ends with stop_reason `budget`. */
export const MAX_MODEL_MS = 20 * 60_000;

/** Tool calls of a turn at most; an answer that asks for more ends the turn with stop_reason `budget`. */
export const MAX_TOOL_CALLS = 60;
