/** The recorded answers of a case: what a good model says and calls, as data. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const ROOM = join(import.meta.dirname, '../recorded');

const step = z.strictObject({
  text: z.string().optional(),
  calls: z
    .array(z.strictObject({ name: z.string(), arguments: z.record(z.string(), z.json()) }))
    .min(1)
    .optional(),
});

/** For each turn, the answers of the model in order. The last one of a turn has no calls. */
const recording = z.strictObject({ turns: z.array(z.array(step).min(1)).min(1) });

export type Recording = z.infer<typeof recording>;
export type RecordedStep = z.infer<typeof step>;

/** The file of a case's recorded answers. */
export function recordingFile(caseId: string): string {
  return join(ROOM, `${caseId}.json`);
}

/** Reads the recorded answers of a case. Throws an Error that names the file and what is wrong with it. */
export function readRecording(caseId: string): Recording {
  const file = recordingFile(caseId);
  if (!existsSync(file))
    throw new Error(`eval/recorded/${caseId}.json is missing: the case has no recorded answers`);
  const parsed = recording.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`eval/recorded/${caseId}.json: ${z.prettifyError(parsed.error)}`);
}

/**
 * The answer that belongs to a request with so many tool results in its turn; null when the recording has none, because
 * the service made another number of calls.
 */
export function stepFor(
  steps: readonly RecordedStep[],
  toolResults: number,
): { step: RecordedStep; at: number } | null {
  let before = 0;
  for (const [at, step] of steps.entries()) {
    if (before === toolResults) return { step, at };
    before += step.calls?.length ?? 0;
  }
  return null;
}
