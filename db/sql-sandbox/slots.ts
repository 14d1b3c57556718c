import { SqlRefusal } from './check-syntax.ts';

/** A counted number of places; whoever finds none waits in line. */
export function createSlots(count: number) {
  let free = count;
  const line: (() => void)[] = [];
  const release = (): void => {
    const next = line.shift();
    if (next) next();
    else free += 1;
  };
  return {
    /** Resolves with the function that gives the place back. Throws SqlRefusal when none gets free in time. */
    async take(signal: AbortSignal, waitMs: number): Promise<() => void> {
      if (free > 0) free -= 1;
      else {
        await new Promise<void>((resolve, reject) => {
          const leave = (): void => {
            const at = line.indexOf(enter);
            if (at >= 0) line.splice(at, 1);
            done();
            reject(
              new SqlRefusal(
                'busy',
                'Too many queries are running.',
                'Ask again later, or for less at once.',
              ),
            );
          };
          const timer = setTimeout(leave, waitMs);
          const done = (): void => {
            clearTimeout(timer);
            signal.removeEventListener('abort', leave);
          };
          const enter = (): void => {
            done();
            resolve();
          };
          signal.addEventListener('abort', leave, { once: true });
          line.push(enter);
        });
      }
      let given = false;
      return () => {
        if (!given) release();
        given = true;
      };
    },
  };
}
