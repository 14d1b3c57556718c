import type { CallView, Graph, Message, WorkflowDiff } from '../../../client/src/index.ts';
import { isUnsaved, toCanvas } from './graph.ts';
import { type LiveEdit, toLiveEdit } from './live-edits.ts';
import { messageOf } from './notices.ts';
import type { SliceCreator } from './slice.ts';

/** What a turn would change. Nothing of it is in the workflow before a person applies it. */
export interface Proposal {
  messageId: string;
  diff: WorkflowDiff;
  /** The canvas that the turn began with; null where the page does not know it any more. */
  base: Graph | null;
  state: 'open' | 'applying' | 'applied' | 'undoing' | 'undone';
  problem: string | null;
}

export interface ProposalSlice {
  proposal: Proposal | null;
  /** What the copilot has edited so far in the running turn. */
  liveEdits: readonly LiveEdit[];
  /** Whether the canvas shows the proposal. */
  isProposalShown: boolean;
  /** A turn begins with this canvas. */
  beginProposal: (base: Graph | null) => void;
  /** Takes up the edits among the running turn's calls. */
  showLiveEdits: (calls: readonly CallView[]) => void;
  proposeFromTurn: () => void;
  /** Takes up what the conversation's newest answer proposes: after a reload, or when a turn failed half-way. */
  proposeFromMessages: () => void;
  /** Shows what one message proposes or has changed. */
  proposeMessage: (message: Message) => void;
  showProposal: (isShown: boolean) => void;
  applyProposal: () => Promise<void>;
  undoProposal: () => Promise<void>;
  clearProposal: () => void;
}

const NO_PROPOSAL = { proposal: null, liveEdits: [], isProposalShown: false } as const;

/** The state of a proposal whose message is read again. */
export const STATE_OF_CHANGE = {
  proposed: 'open',
  applied: 'applied',
  reverted: 'undone',
} as const satisfies Record<NonNullable<Message['change']>, Proposal['state']>;

const EDITING_TOOL = 'modify_workflow';

/** What the copilot proposes: shown on the canvas, applied or undone by a person. */
export const createProposalSlice: SliceCreator<ProposalSlice> = (set, get) => {
  let base: Graph | null = null;

  const show = (made: Pick<Proposal, 'messageId' | 'diff' | 'base' | 'state'>): void => {
    if (get().proposal?.messageId === made.messageId) return;
    set({
      proposal: { ...made, problem: null },
      liveEdits: [],
      isProposalShown: made.state === 'open',
    });
  };

  /** Moves the proposal on while it is still the same one. */
  const update = (messageId: string, change: Partial<Proposal>): void => {
    const { proposal } = get();
    if (proposal?.messageId === messageId) set({ proposal: { ...proposal, ...change } });
  };

  /** The service's answer to a repeat is that of the first time, which may be older than what the page shows. */
  const showResult = async (workflow: Graph & { version: number }): Promise<void> => {
    const { saved } = get();
    if (saved && workflow.version <= saved.version) await get().reloadGraph();
    else get().showSavedGraph({ blocks: workflow.blocks, edges: workflow.edges }, workflow.version);
  };

  return {
    ...NO_PROPOSAL,

    beginProposal(graph) {
      base = graph;
      set(NO_PROPOSAL);
    },

    showLiveEdits(calls) {
      const edits = calls.flatMap(({ name, arguments: edit, result, isError }) => {
        const live =
          name === EDITING_TOOL && result !== undefined && isError !== true ? toLiveEdit(edit, result) : null;
        return live ? [live] : [];
      });
      if (edits.length > get().liveEdits.length) set({ liveEdits: edits });
    },

    proposeFromTurn() {
      const { turn } = get();
      set({ liveEdits: [] });
      if (turn?.messageId && turn.diff)
        show({ messageId: turn.messageId, diff: turn.diff, base, state: 'open' });
    },

    proposeFromMessages() {
      const { messages, isRunning } = get();
      const newest = messages.findLast(({ role }) => role === 'assistant');
      if (!isRunning && newest) get().proposeMessage(newest);
    },

    proposeMessage({ id, workflow_diff: diff, change }) {
      if (diff) show({ messageId: id, diff, base: null, state: STATE_OF_CHANGE[change ?? 'proposed'] });
    },

    showProposal: (isShown) => set({ isProposalShown: isShown }),

    async applyProposal() {
      const { client, sessionId, proposal, graph } = get();
      if (sessionId === null || !graph || proposal?.state !== 'open') return;
      const { messageId } = proposal;
      update(messageId, { state: 'applying', problem: null });
      try {
        const { workflow } = await client.snapshot(sessionId, messageId, toCanvas(graph));
        if (get().sessionId !== sessionId) return;
        await showResult(workflow);
        update(messageId, { state: 'applied' });
        set({ isProposalShown: false });
      } catch (error: unknown) {
        update(messageId, { state: 'open', problem: messageOf(error) });
      }
    },

    async undoProposal() {
      const { client, sessionId, proposal } = get();
      if (sessionId === null || proposal?.state !== 'applied') return;
      const { messageId } = proposal;
      update(messageId, { state: 'undoing', problem: null });
      try {
        // The service undoes on what is saved: edits of the canvas would be lost otherwise.
        if (isUnsaved(get()) && !(await get().saveGraph())) {
          update(messageId, {
            state: 'applied',
            problem: get().saveProblem ?? 'Your edits could not be saved, so nothing was undone.',
          });
          return;
        }
        const { workflow } = await client.revert(sessionId, messageId);
        if (get().sessionId !== sessionId) return;
        await showResult(workflow);
        update(messageId, { state: 'undone' });
      } catch (error: unknown) {
        update(messageId, { state: 'applied', problem: messageOf(error) });
      }
    },

    clearProposal() {
      base = null;
      set(NO_PROPOSAL);
    },
  };
};
