/**
 * Serves the event streams of all turns that somebody watches through this process. This process holds no durable
 * state: the log is in Postgres, and any other process can resume a stream from its cursor.
 *
 * A viewer is one response with a cursor, in one of these modes:
 * - `catchUp`: the cursor may be anywhere in the log. Bounded pages are read for the viewer, apart from the live reads,
 *   until a page reaches the end of the log.
 * - `live`: the cursor is at the end of the log as last read. A read follows when the turn is announced.
 * - `blocked`: the socket takes no more bytes. Nothing is read or kept for the viewer. On drain it catches up from its
 *   cursor.
 * - `released`: the stream has ended or the client has gone. Reads that are still under way skip the viewer.
 *
 * Viewers of one turn at one cursor share a read and its bytes. Announcements that arrive during a read are gathered for
 * the next one. The order is: listen, then read, then drop what is at or below the cursor.
 */
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isConnectionError, isTransient } from '../../db/connection/pg-errors.ts';
import {
  createTurnEventReader,
  type EventPage,
  listenForTurnEvents,
  type TurnEventReader,
} from '../../db/events/turn-event-pages.ts';
import { SILENCE } from '../../runtime/bounds.ts';
import type { Logger } from '../../runtime/logger.ts';
import { PING_BLOCK, RETRY_BLOCK, renderEvent } from './render-event.ts';
import { createSilenceWatcher, type Quiet, type SilenceInspector } from './silence-watcher.ts';

export interface TurnEventHub {
  /**
   * Streams a turn's events with a seq above `afterSeq`, then closes. Takes the response over: headers must be set,
   * nothing written yet. Returns at once; a client that goes away releases everything. `until` (as Date.now()) is when the
   * right to read ends: the stream closes then, and whoever has a new token goes on.
   */
  stream(response: ServerResponse, turnId: string, afterSeq: number, until?: number): void;
  /** Open streams. */
  readonly viewerCount: number;
  /** Open streams whose reader takes no more bytes. */
  readonly blockedCount: number;
  /** Ends all streams, so that clients reconnect elsewhere, and waits until the hub holds nothing. May be called twice. */
  close(): Promise<void>;
}

export interface TurnEventHubOptions {
  databaseUrl: string;
  logger: Logger;
  /** Asks what a silent turn is doing; also settles a turn that was stopped from outside. */
  inspectSilence: SilenceInspector;
  /** How long a turn's log is quiet before it is asked about. */
  silenceMs?: number;
  /** Called when a reader takes no more bytes. */
  onBlocked?: () => void;
}

// Bounds how much memory a slow reader holds, and what a page costs the database.
const PAGE_BYTES = 256 * 1024;
const MAX_LIVE_TURNS_PER_READ = 500;
const MAX_PAGES_PER_READ = 16;
const READ_RETRY_MS = 250;
const APART_RETRY_MS = 5_000;
const TICK_MS = 1_000;
const PING_EVERY_TICKS = 15;
const POLL_MS = 500;
/** In case an announcement was missed, and to notice turns that were deleted. */
const SAFETY_POLL_TICKS = 5;
const MAX_BLOCKED_MS = 5 * 60_000;

interface Viewer {
  readonly response: ServerResponse;
  readonly watch: Watch;
  /** The seq of the last event written. */
  cursor: number;
  mode: 'catchUp' | 'live' | 'blocked' | 'released';
  /** Whether events were written that the short stream of the turn does not have. */
  hasWhole: boolean;
  /** In catchUp: the watch's announcements when the page under way was asked for. */
  announcementsSeen: number;
  /** In blocked: since when (performance.now()). */
  blockedAt: number;
  /** When the stream is closed, as Date.now() tells time. */
  readonly until: number;
  /** Pings are spread over the ticks; this one is the viewer's. */
  readonly pingTick: number;
}

interface Watch extends Quiet {
  readonly turnId: string;
  readonly viewers: Set<Viewer>;
  announcements: number;
  messageId: string | null;
}

/** Creates the hub. It connects, and reconnects, by itself. */
export function createTurnEventHub(options: TurnEventHubOptions): TurnEventHub {
  const { logger } = options;
  const watches = new Map<string, Watch>();
  const viewers = new Map<ServerResponse, Viewer>();
  let closed = false;
  let closing: Promise<void> | null = null;
  let nextPingTick = 0;
  let ticks = 0;

  const reader = createTurnEventReader({
    databaseUrl: options.databaseUrl,
    connections: 2,
    onError: (error) => logger.debug({ err: error }, 'an idle stream connection broke'),
  });
  const live = createLane<Watch>({ logger, read: readLive, batchSize: MAX_LIVE_TURNS_PER_READ });
  const catchUp = createLane<Viewer>({ logger, read: readCatchUp, batchSize: MAX_PAGES_PER_READ });
  const listener = listenForTurnEvents({
    databaseUrl: options.databaseUrl,
    onTurns(turnIds) {
      for (const turnId of turnIds) {
        const watch = watches.get(turnId);
        if (watch) announce(watch);
      }
    },
    onConnected: pollAll,
    onLost: (error) => logger.warn({ err: error }, 'announcements of new events are lost; polling'),
  });
  const silence = createSilenceWatcher<Watch>({
    logger,
    inspect: options.inspectSilence,
    send(watch, text) {
      for (const viewer of watch.viewers) {
        // A viewer in catchUp has heard nothing either: the status may say why its read takes long.
        if (viewer.mode === 'live' || viewer.mode === 'catchUp') write(viewer, text);
      }
    },
    ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
  });
  // Three timers for the whole process: a timer per connection would cost more than the connection.
  const ticker = setInterval(tick, TICK_MS).unref();
  const poller = setInterval(() => {
    if (!listener.connected) pollAll();
  }, POLL_MS).unref();
  const silenceTicker = setInterval(() => silence.tick(watches.values()), SILENCE.tickMs).unref();

  function announce(watch: Watch): void {
    watch.announcements += 1;
    live.add(watch);
  }

  function pollAll(): void {
    for (const watch of watches.values()) announce(watch);
  }

  function tick(): void {
    ticks += 1;
    const now = performance.now();
    const today = Date.now();
    for (const viewer of viewers.values()) {
      if (today >= viewer.until) {
        const { mode, response } = viewer;
        end(viewer);
        if (mode === 'blocked') response.destroy();
      } else if (viewer.mode !== 'blocked') {
        if (ticks % PING_EVERY_TICKS === viewer.pingTick) write(viewer, PING_BLOCK);
      } else if (now - viewer.blockedAt > MAX_BLOCKED_MS) {
        viewer.response.destroy();
      }
    }
    if (ticks % SAFETY_POLL_TICKS === 0) pollAll();
  }

  async function readLive(batch: Watch[]): Promise<void> {
    const groups: { watch: Watch; cursor: number; members: Viewer[] }[] = [];
    for (const watch of batch) {
      const byCursor = new Map<number, Viewer[]>();
      for (const viewer of watch.viewers) {
        if (viewer.mode !== 'live') continue;
        const members = byCursor.get(viewer.cursor);
        if (members) members.push(viewer);
        else byCursor.set(viewer.cursor, [viewer]);
      }
      for (const [cursor, members] of byCursor) groups.push({ watch, cursor, members });
    }
    if (groups.length === 0) return;
    const pages = await reader.readPages(
      groups.map(({ watch, cursor }) => ({ turnId: watch.turnId, after: cursor })),
      PAGE_BYTES,
    );
    for (const page of pages) {
      const { watch, cursor, members } = groups[page.request]!;
      deliver(
        watch,
        page,
        members.filter((viewer) => viewer.mode === 'live' && viewer.cursor === cursor),
      );
    }
  }

  async function readCatchUp(batch: Viewer[]): Promise<void> {
    const groups = new Map<string, Viewer[]>();
    for (const viewer of batch) {
      if (viewer.mode !== 'catchUp') continue;
      viewer.announcementsSeen = viewer.watch.announcements;
      const key = `${viewer.watch.turnId}/${viewer.cursor}`;
      const members = groups.get(key);
      if (members) members.push(viewer);
      else groups.set(key, [viewer]);
    }
    if (groups.size === 0) return;
    const lists = [...groups.values()];
    const pages = await reader.readPages(
      lists.map(([first]) => ({ turnId: first!.watch.turnId, after: first!.cursor })),
      PAGE_BYTES,
    );
    const atTheEnd = new Set(lists);
    for (const page of pages) {
      const members = lists[page.request]!;
      const { watch } = members[0]!;
      deliver(
        watch,
        page,
        members.filter((viewer) => viewer.mode === 'catchUp'),
      );
      if (page.more) atTheEnd.delete(members);
    }
    for (const members of atTheEnd) {
      for (const viewer of members) {
        if (viewer.mode !== 'catchUp') continue;
        viewer.mode = 'live';
        // An announcement since the page was requested may not be in it, and the live lane has looked already.
        if (viewer.announcementsSeen !== viewer.watch.announcements) live.add(viewer.watch);
      }
    }
  }

  /** Writes a page to viewers that all stand at the cursor it was read for. */
  function deliver(watch: Watch, page: EventPage, members: readonly Viewer[]): void {
    watch.messageId ??= page.messageId;
    if (members.length === 0) return;
    if (page.turn === 'gone') {
      for (const viewer of members) endAsGone(viewer);
      return;
    }
    if (page.isShort) {
      // Retention has made the short stream meanwhile. Its events do not continue those that these viewers have.
      for (const viewer of members) if (viewer.hasWhole) end(viewer);
      members = members.filter((viewer) => !viewer.hasWhole);
    }
    const last = page.events.at(-1);
    if (last) {
      silence.heard(watch);
      const bytes = Buffer.from(page.events.map(renderEvent).join(''));
      for (const viewer of members) {
        viewer.cursor = last.seq;
        // Event 1 is the same in both streams.
        viewer.hasWhole ||= !page.isShort && last.seq > 1;
        write(viewer, bytes);
      }
    }
    // This also closes a stream whose cursor is past the end of a finished turn.
    const over = page.turn === 'ended' && !page.more;
    for (const viewer of members) {
      if (over) end(viewer);
      else if (page.more) toCatchUp(viewer);
    }
  }

  function endAsGone(viewer: Viewer): void {
    const seq = viewer.cursor + 1;
    const payload = JSON.stringify({
      error:
        'This turn is not there any more: its session or workflow was deleted, or its start was taken back.',
      code: 'workflow_gone',
      message_id: viewer.watch.messageId ?? '',
      turn_id: viewer.watch.turnId,
    });
    write(viewer, renderEvent({ seq, event: 'error', payload }));
    end(viewer);
  }

  function write(viewer: Viewer, data: string | Buffer): void {
    if (viewer.response.write(data) || viewer.mode === 'blocked') return;
    viewer.mode = 'blocked';
    viewer.blockedAt = performance.now();
    options.onBlocked?.();
    catchUp.delete(viewer);
  }

  function toCatchUp(viewer: Viewer): void {
    if (viewer.mode === 'blocked') return;
    viewer.mode = 'catchUp';
    catchUp.add(viewer);
  }

  function end(viewer: Viewer): void {
    // The last bytes are written; a client that takes none of them must not hold the response for ever.
    if (viewer.mode === 'blocked') viewer.response.setTimeout(MAX_BLOCKED_MS);
    release(viewer);
    viewer.response.end();
  }

  function release(viewer: Viewer): void {
    const { response, watch } = viewer;
    if (!viewers.delete(response)) return;
    viewer.mode = 'released';
    response.off('drain', onDrain).off('close', onClose);
    catchUp.delete(viewer);
    watch.viewers.delete(viewer);
    if (watch.viewers.size > 0) return;
    live.delete(watch);
    if (watches.get(watch.turnId) === watch) watches.delete(watch.turnId);
  }

  // One function for all responses: a closure per connection is memory per connection.
  function onDrain(this: ServerResponse): void {
    const viewer = viewers.get(this);
    if (viewer?.mode !== 'blocked') return;
    viewer.mode = 'catchUp';
    catchUp.add(viewer);
  }

  function onClose(this: ServerResponse): void {
    const viewer = viewers.get(this);
    if (viewer) release(viewer);
  }

  async function close(): Promise<void> {
    closed = true;
    clearInterval(ticker);
    clearInterval(poller);
    clearInterval(silenceTicker);
    for (const viewer of viewers.values()) {
      const { mode, response } = viewer;
      end(viewer);
      // A blocked client reads the rest from another process.
      if (mode === 'blocked') response.destroy();
    }
    live.close();
    catchUp.close();
    await listener.close();
    await closeReader(reader);
  }

  return {
    stream(response, turnId, afterSeq, until = Infinity) {
      response.on('error', ignore);
      // The request's socket: a pipelined response gets a socket of its own only when its turn comes.
      const { socket } = response.req;
      if (closed || response.destroyed || socket.destroyed) {
        response.destroy();
        return;
      }
      let watch = watches.get(turnId);
      if (!watch) {
        watch = {
          turnId,
          viewers: new Set(),
          announcements: 0,
          messageId: null,
          ...silence.begin(),
        };
        watches.set(turnId, watch);
      }
      nextPingTick = (nextPingTick + 1) % PING_EVERY_TICKS;
      const viewer: Viewer = {
        response,
        watch,
        cursor: afterSeq,
        mode: 'catchUp',
        hasWhole: false,
        announcementsSeen: 0,
        blockedAt: 0,
        until,
        pingTick: nextPingTick,
      };
      watch.viewers.add(viewer);
      viewers.set(response, viewer);
      response.on('drain', onDrain).on('close', onClose);
      socket.setNoDelay(true);
      write(viewer, RETRY_BLOCK);
      toCatchUp(viewer);
    },
    get viewerCount() {
      return viewers.size;
    },
    get blockedCount() {
      let blocked = 0;
      for (const { mode } of viewers.values()) if (mode === 'blocked') blocked += 1;
      return blocked;
    },
    close: () => (closing ??= close()),
  };
}

function ignore(): void {
  // A write to a connection that has just gone; `close` follows and does the rest.
}

/** A read that hangs on a server that is away must not hold the shutdown. */
async function closeReader(reader: TurnEventReader): Promise<void> {
  await Promise.race([reader.close(), delay(1_000, undefined, { ref: false })]);
}

interface Lane<T> {
  add(item: T): void;
  delete(item: T): void;
  close(): void;
}

/** Reads for all items that are due, one read at a time. Items that become due during a read go with the next one. */
function createLane<T>(options: {
  logger: Logger;
  read: (batch: T[]) => Promise<void>;
  batchSize: number;
}): Lane<T> {
  const due = new Set<T>();
  let running = false;
  let closed = false;
  let failing = false;

  const run = async (): Promise<void> => {
    // One announcement names many turns: let them all become due before the first read.
    await Promise.resolve();
    while (due.size > 0) {
      const batch: T[] = [];
      for (const item of due) {
        if (batch.length === options.batchSize) break;
        batch.push(item);
        due.delete(item);
      }
      try {
        await options.read(batch);
        failing = false;
      } catch (error: unknown) {
        if (closed) return;
        if (batch.length > 1 && !isTransient(error)) {
          await readApart(batch);
          continue;
        }
        // The streams stay open: the events are still there when the database is back.
        for (const item of batch) due.add(item);
        if (!failing)
          options.logger[isConnectionError(error) ? 'warn' : 'error'](
            { err: error },
            'event streams wait for the database',
          );
        failing = true;
        await delay(READ_RETRY_MS, undefined, { ref: false });
      }
    }
    running = false;
  };

  /** One bad item must not hold up the others: each is read alone, and those that fail are tried again later. */
  const readApart = async (batch: T[]): Promise<void> => {
    for (const item of batch) {
      try {
        if (!closed) await options.read([item]);
      } catch (error: unknown) {
        options.logger.error({ err: error }, 'an event stream can not be read; it is tried again');
        setTimeout(() => add(item), APART_RETRY_MS).unref();
      }
    }
  };
  const add = (item: T): void => {
    if (closed) return;
    due.add(item);
    if (running) return;
    running = true;
    void run();
  };

  return {
    add,
    delete: (item) => void due.delete(item),
    close() {
      closed = true;
      due.clear();
    },
  };
}
