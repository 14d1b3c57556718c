import { untilSettled } from './settled.ts';
import type { SliceCreator } from './slice.ts';

/** Of this tab, so that a reload loses nothing. */
const STORED_DRAFT = 'copilot-draft';
/** As many characters as the service takes. */
export const MAX_MESSAGE_CHARS = 32_000;

export interface DraftSlice {
  /** What is typed and not sent. */
  draft: string;
  /** Whether the draft is on its way: it stays until the service has taken it. */
  isSending: boolean;
  setDraft: (draft: string) => void;
  sendDraft: () => Promise<void>;
}

/** The message that is being written. It is given up only once the service has it. */
export const createDraftSlice: SliceCreator<DraftSlice> = (set, get, api) => ({
  draft: sessionStorage.getItem(STORED_DRAFT) ?? '',
  isSending: false,

  setDraft(draft) {
    set({ draft });
    if (draft === '') sessionStorage.removeItem(STORED_DRAFT);
    else sessionStorage.setItem(STORED_DRAFT, draft);
  },

  async sendDraft() {
    const { draft, isRunning, isSending } = get();
    const text = draft.trim();
    if (isRunning || isSending || text === '' || text.length > MAX_MESSAGE_CHARS) return;
    set({ isSending: true });
    // A message that is sent while the page loads belongs to the conversation that is about to open.
    await untilSettled(api);
    const outcome = get().workflow && !get().isRunning ? await get().send(text) : 'refused';
    set({ isSending: false });
    if (outcome === 'accepted' && get().draft === draft) get().setDraft('');
  },
});
