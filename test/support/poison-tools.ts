/** Tools that misbehave: they throw, hang, return too much, or kill their worker. */
import { z } from 'zod';
import type { Tool, ToolRow } from '../../activities/tools/tool.ts';

/** How often each tool was run in this process. */
export const runs = new Map<string, number>();

function poison(name: string, run: Tool['run']): ToolRow {
  const tool: Tool = {
    description: name,
    input: z.object({}),
    run: (input, context) => {
      runs.set(name, (runs.get(name) ?? 0) + 1);
      return run(input, context);
    },
  };
  return { name, order: 'reading', status: 'Poisoning...', create: () => tool };
}

/** An object with this many levels. JSON.stringify fails beyond about 4,000 levels. */
export function nested(levels: number): object {
  return JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) as object;
}

let letGo: () => void = () => undefined;
/** Ends every present and future run of `waits_for_the_test`. */
export const release = (): void => letGo();
const released = new Promise<void>((resolve) => (letGo = resolve));

export const poisonTools: ToolRow[] = [
  poison('always_throws', async () => {
    throw new TypeError('undefined is not a function');
  }),
  poison('throws_at_once', () => {
    throw new RangeError('Maximum call stack size exceeded');
  }),
  poison('never_returns', () => new Promise(() => undefined)),
  poison('gives_a_big_int', async () => ({ result: { n: 1n }, isError: false })),
  poison('gives_too_deep', async () => ({ result: nested(20_000), isError: false })),
  poison('gives_too_much', async () => ({ result: { text: 'x'.repeat(1_000_000) }, isError: false })),
  poison('kills_its_worker', async () => {
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => undefined);
  }),
  poison('waits_for_the_test', async () => {
    await released;
    return { result: { waited: true }, isError: false };
  }),
  poison('blocks_for_ever', async () => {
    for (;;);
  }),
];
