/**
 * The context of a turn in words. Versions from v2 on show it before the canvas, behind everything that stays the same from
 * turn to turn, so that providers can cache what stands before it.
 */
import type { PromptVersion } from '../../contracts/names.ts';

/** Whether the prompts of a version have a context. */
export function hasContext(version: PromptVersion): boolean {
  return version !== 'v1';
}

/** What became of a change that an earlier turn of the session proposed. */
export type ChangeOutcome = 'applied' | 'undone' | 'left';

export interface TurnSurroundings {
  /** When the turn was started. */
  startedAt: Date;
  workflow: { id: string; name: string };
  /** The changes of earlier turns, newest first. */
  changes: readonly { summary: string; outcome: ChangeOutcome }[];
  /** The number of changes before those, by outcome. */
  olderChanges: Readonly<Record<ChangeOutcome, number>>;
  /** What the user has changed on the canvas since the last turn; null for nothing, or when this is not known. */
  userChanges: string | null;
}

const OUTCOMES: Readonly<Record<ChangeOutcome, string>> = {
  applied: 'applied by the user',
  undone: 'applied, then undone by the user',
  left: 'not applied',
};
const MAX_NAME_CHARS = 200;

/** The context as text of bounded length. */
export function buildContext(turn: TurnSurroundings): string {
  const { startedAt, workflow, changes, olderChanges, userChanges } = turn;
  const older = (['applied', 'undone', 'left'] as const)
    .filter((outcome) => olderChanges[outcome] > 0)
    .map((outcome) => `${olderChanges[outcome]} ${OUTCOMES[outcome]}`);
  return [
    `Now: ${toMinute(startedAt)}. The time zone of the user is not known.`,
    `Open workflow: ${JSON.stringify(workflow.name.slice(0, MAX_NAME_CHARS).toWellFormed())}, id ${workflow.id}.`,
    ...(changes.length > 0 ? ['Changes of your earlier turns, newest first:'] : []),
    ...changes.map(({ summary, outcome }) => `- ${summary}: ${OUTCOMES[outcome]}`),
    ...(older.length > 0 ? [`- older ones: ${older.join(', ')}`] : []),
    ...(userChanges === null ? [] : [`Changed by the user since your last turn: ${userChanges}.`]),
  ].join('\n');
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Such as `Tuesday 2026-11-24 14:33 UTC`. */
function toMinute(time: Date): string {
  return `${WEEKDAYS[time.getUTCDay()]} ${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
