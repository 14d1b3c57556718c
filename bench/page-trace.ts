/** What the main thread of a page did, from a trace of the browser. */
import type { Browser } from 'playwright-core';

interface TraceEvent {
  name: string;
  ph: string;
  pid: number;
  tid: number;
  /** Microseconds on the clock. */
  ts: number;
  /** Microseconds of processor time: other processes of the machine are not in it. */
  tdur?: number;
  args: { name?: string };
}

export interface MainThread {
  /** Milliseconds of processor time of each frame in which something was drawn. */
  frames: number[];
  /** Milliseconds of processor time of each task. */
  tasks: number[];
}

/** Records the busiest page of a browser while `act` runs. */
export async function traceMainThread(browser: Browser, act: () => Promise<void>): Promise<MainThread> {
  const session = await browser.newBrowserCDPSession();
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['toplevel', 'cc'] },
  });
  await act();
  const complete = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await complete;
  await session.detach();
  return summarize(events);
}

function summarize(events: readonly TraceEvent[]): MainThread {
  const thread = ({ pid, tid }: TraceEvent): string => `${pid} ${tid}`;
  const mains = new Set(
    events
      .filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain')
      .map((event) => thread(event)),
  );
  const byThread = Map.groupBy(
    events.filter((event) => event.ph === 'X' && mains.has(thread(event))),
    thread,
  );
  const main = [...byThread.values()].toSorted((a, b) => b.length - a.length)[0] ?? [];
  const tasks = main
    .filter(({ name }) => name === 'ThreadControllerImpl::RunTask')
    .toSorted((a, b) => a.ts - b.ts);
  const ms = ({ tdur = 0 }: TraceEvent): number => tdur / 1_000;
  // What is done from one frame to the next has to fit into the time of one.
  const begun = main.filter(({ name }) => name === 'ProxyMain::BeginMainFrame').map(({ ts }) => ts);
  begun.sort((a, b) => a - b);
  const frames = begun.map(() => 0);
  let frame = 0;
  for (const task of tasks) {
    while (frame < begun.length - 1 && task.ts > (begun[frame] ?? 0)) frame += 1;
    frames[frame] = (frames[frame] ?? 0) + ms(task);
  }
  return { frames: frames.filter((cost) => cost > 0), tasks: tasks.map(ms) };
}
