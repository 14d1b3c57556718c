/** What the schedule of retention asks for, and what a run reports. */

export interface RetentionInput {
  /** How long after its end a turn keeps its events and its transcript; null for ever. */
  eventsMs: number | null;
  /** How long a session is kept in which nothing happens; null for ever. */
  sessionsMs: number | null;
}

export interface RetentionResult {
  /** How many turns were purged. */
  turns: number;
  /** How many sessions were deleted. */
  sessions: number;
}
