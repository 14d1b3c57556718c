/**
 * Finds a link that has fallen silent while its server is alive. Such a link looks open to both ends, and only the
 * kernel's timeouts, after minutes, might end it.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** How many times the watch checks for an answer within `probeMs`. */
const LOOKS = 10;

export interface WatchedLink<Fresh> {
  /** Makes a cheap request over the link in use. Settles when the server answers or the signal aborts. */
  probe(signal: AbortSignal): Promise<unknown>;
  /** Opens a new link and makes the same request over it. */
  tryFresh(): Promise<Fresh>;
  /** Replaces the silent link by the new one. */
  replace(fresh: Fresh): Promise<void> | void;
  /** Closes a new link that is not needed. */
  discard(fresh: Fresh): Promise<void> | void;
  onError(error: unknown): void;
}

export interface LinkWatchTimes {
  /** The pause between two probes. */
  probeEveryMs: number;
  /** How long an answer may take. */
  probeMs: number;
}

/**
 * Probes the link every `probeEveryMs`. When a probe is not answered in time, it probes the link again and tries a new link
 * in parallel. It replaces the link when the new one was answered and the old one is still silent. So a server that is away
 * or slow keeps its links. Returns a function that ends the watch.
 */
export function watchLink<Fresh>(link: WatchedLink<Fresh>, times: LinkWatchTimes): () => void {
  const { probeEveryMs, probeMs } = times;
  const ended = new AbortController();

  /** Probes the link. An error counts as an answer, because the library itself handles a link that breaks with an error. */
  const ask = (signal: AbortSignal): { answered: boolean } => {
    const question = { answered: false };
    const note = (): void => void (question.answered = true);
    link.probe(signal).then(note, note);
    return question;
  };
  const isAnswered = (questions: { answered: boolean }[]): boolean =>
    questions.some(({ answered }) => answered);

  /** Waits for an answer, for at most `probeMs`. */
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
    // Waits for both, so the old link has at least as much time as the new one: a slow server is slow on both.
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
