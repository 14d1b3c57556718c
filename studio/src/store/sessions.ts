import { CopilotError, type ListedSession, type Message } from '../../../client/src/index.ts';
import { writeAddress } from './address.ts';
import { messageOf } from './notices.ts';
import type { SliceCreator } from './slice.ts';
import { tellTabs } from './tabs.ts';

const PAGE = 50;

export interface SessionsSlice {
  sessions: readonly ListedSession[];
  /** Whether older sessions than those of the list may exist. */
  hasMoreSessions: boolean;
  /** The open conversation; null before its first message. */
  sessionId: string | null;
  /** Of the open conversation, oldest first. A running turn's answer is not among them. */
  messages: readonly Message[];
  messagesState: 'none' | 'loading' | 'ready' | 'failed';
  messagesProblem: string | null;
  hasOlderMessages: boolean;
  listSessions: () => Promise<void>;
  listMoreSessions: () => Promise<void>;
  /** Opens a conversation of a workflow: the given one, else the newest. */
  openSessionOf: (workflowId: string, sessionId: string | null) => Promise<void>;
  openSession: (sessionId: string) => Promise<void>;
  /** Leaves the open conversation; the next message begins another. */
  startNewSession: () => void;
  closeSession: () => void;
  deleteSession: (sessionId: string) => Promise<void>;
  /** The open conversation's id; made now where there is none. */
  ensureSession: () => Promise<string>;
  loadMessages: () => Promise<void>;
  loadOlderMessages: () => Promise<void>;
}

const NO_SESSION = {
  sessionId: null,
  messages: [],
  messagesState: 'none',
  messagesProblem: null,
  hasOlderMessages: false,
} as const;

/** The conversations of the open workflow, and the messages of the open one. */
export const createSessionsSlice: SliceCreator<SessionsSlice> = (set, get) => ({
  sessions: [],
  hasMoreSessions: false,
  ...NO_SESSION,

  async listSessions() {
    const workflowId = get().workflow?.id;
    if (workflowId === undefined) return;
    const { sessions } = await get().client.sessions.list(workflowId, { limit: PAGE });
    if (get().workflow?.id === workflowId) set({ sessions, hasMoreSessions: sessions.length === PAGE });
  },

  async listMoreSessions() {
    const workflowId = get().workflow?.id;
    const last = get().sessions.at(-1);
    if (workflowId === undefined || !last) return;
    const { sessions } = await get().client.sessions.list(workflowId, { limit: PAGE, before: last.id });
    if (get().workflow?.id !== workflowId) return;
    set({ sessions: [...get().sessions, ...sessions], hasMoreSessions: sessions.length === PAGE });
  },

  async openSessionOf(workflowId, sessionId) {
    set({ messagesState: 'loading' });
    const found =
      sessionId ??
      (await get()
        .client.sessions.newest(workflowId)
        .then(({ session }) => session?.id ?? null)
        .catch((error: unknown) => {
          get().notify('problem', messageOf(error));
          return null;
        }));
    if (get().workflow?.id !== workflowId || get().sessionId !== null) return;
    if (found === null) set({ messagesState: 'none' });
    else await get().openSession(found);
  },

  async openSession(sessionId) {
    get().closeSession();
    set({ sessionId, messagesState: 'loading' });
    writeAddress({ workflow: get().workflow?.id ?? null, session: sessionId });
    await get().loadMessages();
    if (get().sessionId === sessionId && get().messagesState === 'ready') await get().joinRunningTurn();
  },

  startNewSession() {
    get().closeSession();
    writeAddress({ workflow: get().workflow?.id ?? null, session: null });
  },

  closeSession() {
    get().leaveTurn();
    get().clearProposal();
    set(NO_SESSION);
  },

  async deleteSession(sessionId) {
    await get()
      .client.sessions.delete(sessionId)
      .catch((error: unknown) => {
        if (!(error instanceof CopilotError && error.status === 404)) throw error;
      });
    tellTabs({ kind: 'deleted', sessionId });
    set(({ sessions }) => ({ sessions: sessions.filter(({ id }) => id !== sessionId) }));
    if (get().sessionId === sessionId) get().startNewSession();
  },

  async ensureSession() {
    const { sessionId, workflow, client } = get();
    if (sessionId !== null) return sessionId;
    if (!workflow) throw new Error('No workflow is open');
    const session = await client.sessions.create(workflow.id);
    set({ ...NO_SESSION, sessionId: session.id, messagesState: 'ready' });
    writeAddress({ workflow: workflow.id, session: session.id });
    return session.id;
  },

  async loadMessages() {
    const { sessionId, client } = get();
    if (sessionId === null) return;
    try {
      const { messages } = await client.sessions.messages(sessionId, { limit: PAGE });
      if (get().sessionId !== sessionId) return;
      const older = olderThan(get().messages, messages);
      set({
        messages: [...older, ...messages],
        messagesState: 'ready',
        messagesProblem: null,
        hasOlderMessages: older.length > 0 ? get().hasOlderMessages : messages.length === PAGE,
      });
      get().proposeFromMessages();
    } catch (error: unknown) {
      if (get().sessionId === sessionId) set({ messagesState: 'failed', messagesProblem: messageOf(error) });
    }
  },

  async loadOlderMessages() {
    const { sessionId, client, messages, hasOlderMessages } = get();
    const first = messages[0];
    if (sessionId === null || !first || !hasOlderMessages) return;
    const page = await client.sessions.messages(sessionId, { limit: PAGE, before: first.id });
    if (get().sessionId !== sessionId) return;
    const known = new Set(get().messages.map(({ id }) => id));
    set({
      messages: [...page.messages.filter(({ id }) => !known.has(id)), ...get().messages],
      hasOlderMessages: page.messages.length === PAGE,
    });
  },
});

/** The messages before a page that was loaded anew; none where the page does not join on to them. */
function olderThan(known: readonly Message[], page: readonly Message[]): Message[] {
  const at = known.findIndex(({ id }) => id === page[0]?.id);
  return at === -1 ? [] : known.slice(0, at);
}
