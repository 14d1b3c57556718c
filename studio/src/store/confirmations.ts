import { CopilotError } from '../../../client/src/index.ts';
import type { Answer } from './answer.ts';
import { messageOf } from './notices.ts';
import type { SliceCreator } from './slice.ts';

export interface ConfirmationsSlice {
  /** This tab's answers, by call id. */
  answers: Readonly<Record<string, Answer>>;
  /** Answers the question of a call of the running turn. */
  decide: (callId: string, approved: boolean, reason: string) => Promise<void>;
}

/** The answers that a person gives to the copilot's questions. */
export const createConfirmationsSlice: SliceCreator<ConfirmationsSlice> = (set, get) => {
  const record = (callId: string, answer: Answer): void =>
    set(({ answers }) => ({ answers: { ...answers, [callId]: answer } }));
  return {
    answers: {},

    async decide(callId, approved, reason) {
      const { client, sessionId, turnId, answers } = get();
      const state = answers[callId]?.state;
      if (sessionId === null || turnId === null || state === 'sending' || state === 'taken') return;
      record(callId, { approved, state: 'sending', problem: null });
      try {
        const said = reason.trim();
        await client.confirm(sessionId, turnId, callId, {
          approved,
          ...(said === '' ? {} : { reason: said }),
        });
        record(callId, { approved, state: 'taken', problem: null });
      } catch (error: unknown) {
        // 409: decided by somebody else, or expired. The stream says which.
        const isLate = error instanceof CopilotError && error.status === 409;
        record(callId, { approved, state: isLate ? 'lost' : 'failed', problem: messageOf(error) });
      }
    },
  };
};
