import { CopilotError, type TurnEvent, type TurnView } from '../../../client/src/index.ts';
import { toCanvas } from './graph.ts';
import { messageOf } from './notices.ts';
import { createScreen } from './screen.ts';
import { untilSettled } from './settled.ts';
import type { SliceCreator } from './slice.ts';
import { tellTabs } from './tabs.ts';

/** What went wrong, with the code that says what to do about it. */
export interface Problem {
  code: string | null;
  message: string;
}

export interface TurnSlice {
  /** The turn that runs, or the last one that this tab has followed to its end; null before. */
  turn: TurnView | null;
  /** Its id, which is known before its first event. */
  turnId: string | null;
  /** The user's message of that turn. */
  turnMessage: string | null;
  /** The turn's events as they came, for the raw view. */
  turnEvents: readonly TurnEvent[];
  isRunning: boolean;
  /** Whether the stream is there. Reconnecting is not failing: the turn goes on without us. */
  link: 'connected' | 'reconnecting';
  /** Why the last message was not accepted. Its text is still the caller's. */
  sendProblem: Problem | null;
  /** Why the turn could not be followed to its end. */
  turnProblem: Problem | null;
  /** Whether the stop of the running turn was asked for. */
  isCancelling: boolean;
  /** Sends a message with the canvas as it is. `accepted` once the turn has begun: until then the text is the caller's. */
  send: (text: string) => Promise<'accepted' | 'refused'>;
  cancelTurn: () => Promise<void>;
  /** Follows the turn that the open conversation's newest message belongs to, when it has not ended. */
  joinRunningTurn: () => Promise<void>;
  /** Looks whether something happened in the open conversation that this tab has not seen. */
  catchUp: () => Promise<void>;
  dismissSendProblem: () => void;
  /** Stops reading; the turn itself goes on. */
  leaveTurn: () => void;
}

const NO_TURN = {
  turn: null,
  turnId: null,
  turnMessage: null,
  turnEvents: [],
  isRunning: false,
  link: 'connected',
  sendProblem: null,
  turnProblem: null,
  isCancelling: false,
} as const;

interface Reading {
  signal: AbortSignal;
  onConnection: (link: TurnSlice['link']) => void;
}

/** The running turn: sent, followed, joined again. Its events are shown once per frame, however fast they come. */
export const createTurnSlice: SliceCreator<TurnSlice> = (set, get, api) => {
  let reading: AbortController | null = null;

  /** Reads a turn to its end. Gives the error that ended the reading, or null. */
  const follow = async (events: (options: Reading) => AsyncIterable<TurnEvent>): Promise<Problem | null> => {
    reading?.abort();
    const controller = new AbortController();
    reading = controller;
    const isCurrent = (): boolean => reading === controller;
    const screen = createScreen((view, fresh) => {
      if (!isCurrent()) return;
      set({ turn: view, turnEvents: [...get().turnEvents, ...fresh] });
      get().showLiveEdits(view.calls);
    });
    const onConnection = (link: TurnSlice['link']): void => {
      if (isCurrent()) set({ link });
    };
    let problem: Problem | null = null;
    try {
      for await (const event of events({ signal: controller.signal, onConnection })) {
        if (!isCurrent()) return null;
        screen.show(event);
      }
    } catch (error: unknown) {
      problem = problemOf(error);
    }
    screen.flush();
    if (!isCurrent() || controller.signal.aborted) return null;
    reading = null;
    set({ isRunning: false, isCancelling: false, link: 'connected' });
    if (problem === null) {
      get().proposeFromTurn();
      await get().loadMessages();
    }
    return problem;
  };

  return {
    ...NO_TURN,

    async send(text) {
      const { graph, client } = get();
      set({ ...NO_TURN, turnMessage: text, isRunning: true });
      let sessionId: string;
      try {
        sessionId = await get().ensureSession();
      } catch (error: unknown) {
        set({ ...NO_TURN, sendProblem: problemOf(error) });
        return 'refused';
      }
      if (get().sessionId !== sessionId || !get().isRunning) return 'refused';
      get().beginProposal(graph);
      const input = { message: text, ...(graph ? { workflowState: toCanvas(graph) } : {}) };
      let isAccepted = false;
      return new Promise((resolve) => {
        const onTurn = ({ turnId }: { turnId: string }): void => {
          if (get().sessionId !== sessionId) return;
          isAccepted = true;
          set({ turnId });
          tellTabs({ kind: 'turn', sessionId });
          resolve('accepted');
        };
        const finish = async (): Promise<void> => {
          const problem = await follow((options) => client.chat(sessionId, input, { ...options, onTurn }));
          resolve(isAccepted ? 'accepted' : 'refused');
          if (problem === null) return;
          if (isAccepted) set({ turnProblem: problem });
          else set({ ...NO_TURN, sendProblem: problem });
          if (problem.code === 'turn_running') await get().catchUp();
        };
        void finish();
      });
    },

    async cancelTurn() {
      const { client, sessionId, turnId, isCancelling } = get();
      if (isCancelling) return;
      if (sessionId === null || turnId === null) {
        // The message is under way. Whether it arrived is for the service to say.
        reading?.abort();
        reading = null;
        set(NO_TURN);
        await get().catchUp();
        return;
      }
      set({ isCancelling: true });
      try {
        await client.cancel(sessionId, turnId);
      } catch (error: unknown) {
        set({ isCancelling: false });
        // 409: it has ended meanwhile, and its stream says how.
        if (!(error instanceof CopilotError && error.status === 409))
          get().notify('problem', messageOf(error));
      }
    },

    async joinRunningTurn() {
      const { messages, sessionId, client, isRunning, sendProblem } = get();
      const last = messages.at(-1);
      const turnId = last?.turn_id;
      if (isRunning || sessionId === null || last?.role !== 'user' || !turnId) return;
      set({ ...NO_TURN, sendProblem, turnId, turnMessage: last.content, isRunning: true });
      get().beginProposal(get().graph);
      const problem = await follow((options) => client.events(sessionId, turnId, options));
      if (problem !== null) set({ turnProblem: problem });
    },

    async catchUp() {
      await untilSettled(api);
      const { sessionId, isRunning } = get();
      if (sessionId === null || isRunning) return;
      await get().loadMessages();
      if (get().sessionId === sessionId) await get().joinRunningTurn();
    },

    dismissSendProblem: () => set({ sendProblem: null }),

    leaveTurn() {
      reading?.abort();
      reading = null;
      set(NO_TURN);
    },
  };
};

/** An error as something that a person can be told. */
export function problemOf(error: unknown): Problem {
  return { code: error instanceof CopilotError ? error.code : null, message: messageOf(error) };
}
