import { type RefObject, useEffect, useLayoutEffect, useRef } from 'react';

/**
 * Keeps the focus in a panel whose buttons give way to others: when the one that was pressed goes, the first button of the
 * new ones that can be pressed gets it. Returns the ref of the panel.
 */
export function useKeptFocus(state: string | undefined): RefObject<HTMLElement | null> {
  const panel = useRef<HTMLElement>(null);
  const hadFocus = useRef(false);
  useEffect(() => {
    const note = (): void => {
      hadFocus.current = panel.current?.contains(document.activeElement) === true;
    };
    document.addEventListener('focusin', note);
    return () => document.removeEventListener('focusin', note);
  }, []);
  useLayoutEffect(() => {
    const active = document.activeElement;
    const isLost = active === document.body || (active instanceof HTMLButtonElement && active.disabled);
    if (!hadFocus.current || !isLost) return;
    panel.current?.querySelector<HTMLElement>('.proposal-buttons button:enabled')?.focus();
  }, [state]);
  return panel;
}
