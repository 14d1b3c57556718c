/**
 * How a turn makes the calls of a tool. Each answer carries these traits to the workflow, so a turn keeps the traits
 * that its answers were given, whatever a later release says of the tool. Stored in Temporal histories.
 */
export interface ToolTraits {
  /** The calls of a step run in parallel, except those of writing tools: each of these runs alone, in its place. */
  order: 'reading' | 'writing';
  /** True when every call waits for the user's confirmation. */
  confirmed?: true;
  /** What a person reads while a call runs. */
  status: string;
}
