/** What is open, as the page's address names it: `/?workflow=<id>&session=<id>`. */
export interface Address {
  workflow: string | null;
  session: string | null;
}

/** Reads the address bar. */
export function readAddress(): Address {
  const query = new URLSearchParams(location.search);
  return { workflow: query.get('workflow'), session: query.get('session') };
}

/** Keeps the address bar in step. Another workflow is a new entry of the browser's history; a session replaces the entry. */
export function writeAddress({ workflow, session }: Address): void {
  const query = new URLSearchParams();
  if (workflow !== null) query.set('workflow', workflow);
  if (session !== null) query.set('session', session);
  const text = query.toString();
  const target = text === '' ? '/' : `/?${text}`;
  if (target === location.pathname + location.search) return;
  const was = readAddress().workflow;
  if (was !== null && was !== workflow) history.pushState(null, '', target);
  else history.replaceState(null, '', target);
}
