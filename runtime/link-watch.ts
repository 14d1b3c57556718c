/**
 * Notices a link that has fallen silent while its server is alive. Such a link looks open to both ends. Only the kernel's
 * own timeouts (minutes), or nothing at all, would end it.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** How often we check whether an answer has come. */
const LOOKS = 10;

export interface WatchedLink<Fresh> {
  /** A cheap question over the link in use; settles as soon as anything is heard, or the signal aborts. */
  probe(signal: AbortSignal): Promise<unknown>;
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
 * Probes the link every `probeEveryMs`. After a probe without an answer in time, it probes the old link again and a new
 * link beside it. The link is replaced when the new one was answered and the old one is still silent, so a server that is
 * away or slow does not lose its links. Returns a function that ends the watch.
 */
export function watchLink<Fresh>(link: WatchedLink<Fresh>, times: LinkWatchTimes): () => void {
  const { probeEveryMs, probeMs } = times;
  const ended = new AbortController();

  /** Probes the link. An error counts as an answer: the library itself handles a link that breaks openly. */
  const ask = (signal: AbortSignal): { answered: boolean } => {
    const question = { answered: false };
    const note = (): void => void (question.answered = true);
    link.probe(signal).then(note, note);
    return question;
  };
  const isAnswered = (questions: { answered: boolean }[]): boolean =>
    questions.some(({ answered }) => answered);

  /** Waits for an answer until its time is over. */
  const wait = async (questions: { answered: boolean }[]): Promise<void> => {
    for (const until = performance.now() + probeMs; performance.now() < until && !isAnswered(questions); )
      await delay(probeMs / LOOKS, undefined, { ref: false });
  };

  const look = async (signal: AbortSignal): Promise<void> => {
    const questions = [ask(signal)];
    await wait(questions);
    if (isAnswered(questions)) return;
    questions.push(ask(signal));
    const trying = link.tryFresh().catch(() => null);
    // The old link gets its own time and the time that the new link takes: a slow server is slow on both.
    const [fresh] = await Promise.all([trying, wait(questions)]);
    if (fresh === null) return;
    if (isAnswered(questions) || ended.signal.aborted) await link.discard(fresh);
    else await link.replace(fresh);
  };

  void (async () => {
    while (!ended.signal.aborted) {
      try {
        await delay(probeEveryMs, undefined, { signal: ended.signal, ref: false });
        const done = new AbortController();
        await look(AbortSignal.any([ended.signal, done.signal])).finally(() => done.abort());
      } catch (error: unknown) {
        if (!ended.signal.aborted) link.onError(error);
      }
    }
  })();
  return () => ended.abort();
}
