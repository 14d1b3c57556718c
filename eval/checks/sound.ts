/** The checks that every case must pass. */
import type { Check } from '../case.ts';
import { faultsOf } from './sound-graph.ts';

export const SOUND: readonly Check[] = [
  {
    says: 'every turn ends well',
    fault: ({ turns }) =>
      turns
        .map(({ error, stopReason }, index) =>
          error !== null
            ? `turn ${index + 1} failed: ${error}`
            : stopReason === 'done'
              ? null
              : `turn ${index + 1} ended as ${stopReason ?? 'nothing'}`,
        )
        .find((fault) => fault !== null) ?? null,
  },
  {
    says: 'the stream of every turn is whole',
    fault: ({ turns }) => turns.flatMap(({ streamFaults }) => streamFaults)[0] ?? null,
  },
  {
    says: 'the user gets an answer',
    fault: ({ turns }) => {
      const at = turns.findIndex(({ answer }) => answer.trim() === '');
      return at < 0 ? null : `turn ${at + 1} says nothing`;
    },
  },
  {
    says: 'no change brings a fault into the workflow',
    fault: ({ turns }) => {
      for (const { before, proposed } of turns) {
        const old = new Set(faultsOf(before));
        const fault = faultsOf(proposed).find((line) => !old.has(line));
        if (fault !== undefined) return fault;
      }
      return null;
    },
  },
];
