import {
  CopilotError,
  foldEvents,
  initialTurnView,
  type TurnEvent,
  type TurnView,
} from '../../../client/src/index.ts';
import { toCanvas } from './graph.ts';
import { messageOf } from './notices.ts';
import type { SliceCreator } from './slice.ts';

/** A hidden tab draws no frames. */
const HIDDEN_FLUSH_MS = 250;

export interface TurnSlice {
  /** The turn that runs, or the last one that this tab has followed to its end; null before. */
  turn: TurnView | null;
  /** The user's message of that turn. */
  turnMessage: string | null;
  /** The turn's events as they came, for the raw view. */
  turnEvents: readonly TurnEvent[];
  isRunning: boolean;
  /** Whether the stream is there. Reconnecting is not failing: the turn goes on without us. */
  link: 'connected' | 'reconnecting';
  /** Why the last message was not accepted, or the turn could not be followed to its end. */
  turnProblem: { code: string | null; message: string } | null;
  /** Whether the stop of the running turn was asked for. */
  isCancelling: boolean;
  /** Sends a message with the canvas as it is. `accepted` once the turn has begun: until then the text is the caller's. */
  send: (text: string) => Promise<'accepted' | 'refused'>;
  cancelTurn: () => Promise<void>;
  /** Follows the turn that the open conversation's newest message belongs to, when it has not ended. */
  joinRunningTurn: () => Promise<void>;
  /** Stops reading; the turn itself goes on. */
  leaveTurn: () => void;
}

const NO_TURN = {
  turn: null,
  turnMessage: null,
  turnEvents: [],
  isRunning: false,
  link: 'connected',
  turnProblem: null,
  isCancelling: false,
} as const;

/** The running turn: sent, followed, joined again. Its events are shown once per frame, however fast they come. */
export const createTurnSlice: SliceCreator<TurnSlice> = (set, get) => {
  let reading: AbortController | null = null;

  const follow = async (
    events: (options: {
      signal: AbortSignal;
      onConnection: (link: TurnSlice['link']) => void;
    }) => AsyncIterable<TurnEvent>,
    onAccepted: () => void = () => undefined,
  ): Promise<void> => {
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
    try {
      for await (const event of events({ signal: controller.signal, onConnection })) {
        if (!isCurrent()) return;
        if (event.event === 'start') {
          onAccepted();
          set({ isRunning: true });
        }
        screen.show(event);
      }
      screen.flush();
      if (!isCurrent()) return;
      set({ isRunning: false, isCancelling: false, link: 'connected' });
      get().proposeFromTurn();
      await get().loadMessages();
    } catch (error: unknown) {
      screen.flush();
      if (!isCurrent() || controller.signal.aborted) return;
      set({
        isRunning: false,
        isCancelling: false,
        turnProblem: { code: error instanceof CopilotError ? error.code : null, message: messageOf(error) },
      });
      const running = error instanceof CopilotError && error.status === 409;
      if (running) {
        await get().loadMessages();
        await get().joinRunningTurn();
      }
    } finally {
      if (isCurrent()) reading = null;
    }
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
        set({ ...NO_TURN, turnProblem: { code: null, message: messageOf(error) } });
        return 'refused';
      }
      get().beginProposal(graph);
      let accepted = false;
      return new Promise((resolve) => {
        follow(
          (options) =>
            client.chat(
              sessionId,
              { message: text, ...(graph ? { workflowState: toCanvas(graph) } : {}) },
              options,
            ),
          () => {
            accepted = true;
            resolve('accepted');
          },
        )
          .finally(() => resolve(accepted ? 'accepted' : 'refused'))
          .catch(() => undefined);
      });
    },

    async cancelTurn() {
      const { client, sessionId, turn, isCancelling } = get();
      if (sessionId === null || !turn?.turnId || isCancelling) return;
      set({ isCancelling: true });
      try {
        await client.cancel(sessionId, turn.turnId);
      } catch (error: unknown) {
        set({ isCancelling: false });
        // 409: it has ended meanwhile, and its stream says how.
        if (!(error instanceof CopilotError && error.status === 409))
          get().notify('problem', messageOf(error));
      }
    },

    async joinRunningTurn() {
      const { messages, sessionId, client, isRunning } = get();
      const last = messages.at(-1);
      const turnId = last?.turn_id;
      if (isRunning || sessionId === null || last?.role !== 'user' || !turnId) return;
      set({ ...NO_TURN, turnMessage: last.content, isRunning: true });
      get().beginProposal(get().graph);
      await follow((options) => client.events(sessionId, turnId, options));
    },

    leaveTurn() {
      reading?.abort();
      reading = null;
      set(NO_TURN);
    },
  };
};

/** Folds events at once and shows the result once per frame. */
function createScreen(draw: (view: TurnView, fresh: TurnEvent[]) => void): {
  show: (event: TurnEvent) => void;
  flush: () => void;
} {
  let view = initialTurnView();
  let fresh: TurnEvent[] = [];
  let isDue = false;
  const flush = (): void => {
    isDue = false;
    if (fresh.length === 0) return;
    const drawn = fresh;
    fresh = [];
    draw(view, drawn);
  };
  return {
    show(event) {
      view = foldEvents(view, event);
      fresh.push(event);
      if (isDue) return;
      isDue = true;
      if (document.hidden) setTimeout(flush, HIDDEN_FLUSH_MS);
      else requestAnimationFrame(flush);
    },
    flush,
  };
}
