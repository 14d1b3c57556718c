/**
 * How a turn makes the calls of a tool. Each answer carries these traits to the workflow, and Temporal stores them in the
 * history. So a later release can change a tool's traits without changing running turns.
 */
export interface ToolTraits {
  /** Neighbouring calls of reading tools run in parallel. A call of a writing tool runs alone, in its place. */
  order: 'reading' | 'writing';
  /** True when every call waits for the user's confirmation. */
  confirmed?: true;
  /** The status line while a call runs. */
  status: string;
}
