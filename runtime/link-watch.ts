/**
 * Notices a link that has fallen silent while its server is there. Such a link looks open to both ends, and only the
 * kernel's patience (minutes) or nothing at all would end it.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface WatchedLink<Fresh> {
  /** A cheap question over the link in use; settles as soon as anything is heard. */
  probe(): Promise<unknown>;
  /** Makes a new link and asks the same over it. */
  tryFresh(): Promise<Fresh>;
  /** Puts the new link in the place of the silent one. */
  replace(fresh: Fresh): Promise<void> | void;
  /** Lets go of a new link that is not needed after all. */
  discard(fresh: Fresh): Promise<void> | void;
  onError(error: unknown): void;
}

export interface LinkWatchTimes {
  /** Between two questions. */
  probeEveryMs: number;
  /** How long an answer may take. */
  probeMs: number;
}

/**
 * Asks for a sign of life every `probeEveryMs`. After one that did not come in time, a second one and a new link are
 * tried side by side: the link is replaced when the new one was answered and the old one still is silent. A server that
 * is away, or slow, is thereby left alone. Returns what ends the watch.
 */
export function watchLink<Fresh>(link: WatchedLink<Fresh>, times: LinkWatchTimes): () => void {
  const { probeEveryMs, probeMs } = times;
  const ended = new AbortController();

  const isAlive = async (): Promise<boolean> => {
    const late = new AbortController();
    try {
      return await Promise.race([
        // An error is an answer too, whoever gave it: the library sees to a link that is broken in the open.
        link.probe().then(
          () => true,
          () => true,
        ),
        delay(probeMs, false, { signal: late.signal, ref: false }),
      ]);
    } finally {
      late.abort();
    }
  };

  const look = async (): Promise<void> => {
    if (await isAlive()) return;
    const trying = link.tryFresh();
    // The old link has the time that the new one takes, and its own.
    const [alive, fresh] = await Promise.all([isAlive(), trying.catch(() => null)]);
    if (fresh === null) return;
    if (alive || ended.signal.aborted) await link.discard(fresh);
    else await link.replace(fresh);
  };

  void (async () => {
    while (!ended.signal.aborted) {
      try {
        await delay(probeEveryMs, undefined, { signal: ended.signal, ref: false });
        await look();
      } catch (error: unknown) {
        if (!ended.signal.aborted) link.onError(error);
      }
    }
  })();
  return () => ended.abort();
}
