import type { SliceCreator } from './slice.ts';

export type Theme = 'system' | 'light' | 'dark';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];
const STORED_THEME = 'copilot-theme';

export interface ViewSlice {
  theme: Theme;
  setTheme: (theme: Theme) => void;
  /** Which of both is shown where there is room for one. */
  tab: 'canvas' | 'conversation';
  setTab: (tab: ViewSlice['tab']) => void;
}

/** How the page looks; no data of the project. */
export const createViewSlice: SliceCreator<ViewSlice> = (set) => {
  const stored = localStorage.getItem(STORED_THEME);
  const theme = THEMES.find((known) => known === stored) ?? 'system';
  showTheme(theme);
  return {
    theme,
    setTheme(chosen) {
      localStorage.setItem(STORED_THEME, chosen);
      showTheme(chosen);
      set({ theme: chosen });
    },
    tab: 'conversation',
    setTab: (tab) => set({ tab }),
  };
};

function showTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
