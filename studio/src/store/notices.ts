import { CopilotError } from '../../../client/src/index.ts';
import type { SliceCreator } from './slice.ts';

export interface Notice {
  id: number;
  kind: 'note' | 'problem';
  text: string;
}

const KEPT_NOTICES = 4;

export interface NoticesSlice {
  notices: Notice[];
  notify: (kind: Notice['kind'], text: string) => void;
  dismissNotice: (id: number) => void;
}

/** Short messages about what was done or went wrong. A problem stays until it is dismissed. */
export const createNoticesSlice: SliceCreator<NoticesSlice> = (set) => {
  let nextId = 1;
  return {
    notices: [],
    notify: (kind, text) =>
      set(({ notices }) => ({
        notices: [...notices.filter((notice) => notice.text !== text), { id: nextId++, kind, text }].slice(
          -KEPT_NOTICES,
        ),
      })),
    dismissNotice: (id) => set(({ notices }) => ({ notices: notices.filter((notice) => notice.id !== id) })),
  };
};

/** What a person can read about a failed request. */
export function messageOf(error: unknown): string {
  if (error instanceof CopilotError) return error.message;
  return error instanceof Error ? error.message : String(error);
}
