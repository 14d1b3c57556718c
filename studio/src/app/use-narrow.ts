import { useSyncExternalStore } from 'react';

const query = window.matchMedia('(max-width: 899px)');

function subscribe(onChange: () => void): () => void {
  query.addEventListener('change', onChange);
  return () => query.removeEventListener('change', onChange);
}

/** Whether the page has room for one pane only. shell.css has the same width. */
export function useNarrow(): boolean {
  return useSyncExternalStore(subscribe, () => query.matches);
}
