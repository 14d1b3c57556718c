/** What the tabs of one browser tell each other, so that each shows the same conversation. No data of the project. */
export type TabNews = { kind: 'turn' | 'deleted'; sessionId: string };

const channel = new BroadcastChannel('copilot');

/** Tells the other tabs. */
export function tellTabs(news: TabNews): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a BroadcastChannel takes none
  channel.postMessage(news);
}

/** Calls back for each news of another tab; gives what ends it. */
export function hearTabs(listener: (news: TabNews) => void): () => void {
  const hear = ({ data }: MessageEvent<TabNews>): void => listener(data);
  channel.addEventListener('message', hear);
  return () => channel.removeEventListener('message', hear);
}
