/** The limits of a turn. Only constants, because the workflow sandbox imports this file. */

/** The most model calls of a turn. The last one is made with tool_choice none. */
export const MAX_STEPS = 25;

/** How often the model is asked to go on after an answer that was cut at the output limit, and after an empty one. */
export const MAX_CONTINUATIONS = { cut: 3, empty: 1 } as const;

/** The same call with the same arguments and the same result this many times in a row ends the turn as `loop`. */
export const LOOP_LIMIT = 3;

/** The most time of a turn's model calls, in milliseconds. Beyond it the turn ends with stop_reason `budget`. */
export const MAX_MODEL_MS = 20 * 60_000;

/** The most tool calls of a turn. An answer that asks for more ends the turn with stop_reason `budget`. */
export const MAX_TOOL_CALLS = 60;
