/**
 * Notices a link that has fallen silent while its server is there. Such a link looks open to both ends, and only the
 * kernel's patience (minutes) or nothing at all would end it.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** How often an answer is looked for while one may come. */
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
 * Asks for a sign of life every `probeEveryMs`. After one that did not come in time, a second one and a new link are
 * tried side by side: the link is replaced when the new one was answered and the old one still is silent. A server that
 * is away, or slow, is thereby left alone. Returns what ends the watch.
 */
export function watchLink<Fresh>(link: WatchedLink<Fresh>, times: LinkWatchTimes): () => void {
  const { probeEveryMs, probeMs } = times;
  const ended = new AbortController();

  /** Asks; the answer, or an error, which is an answer too: the library sees to a link that is broken in the open. */
  const ask = (signal: AbortSignal): { answered: boolean } => {
    const question = { answered: false };
    const note = (): void => void (question.answered = true);
    link.probe(signal).then(note, note);
    return question;
  };
  const isAnswered = (questions: { answered: boolean }[]): boolean =>
    questions.some(({ answered }) => answered);

  /** Waits for an answer for as long as one may take. */
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
    // The old link has its own time, and that which the new one takes: a slow server is slow for both.
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
