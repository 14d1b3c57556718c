/**
 * The read side of the event log: a reader that reads pages of many turns in one statement, and a listener for the
 * announcements of new events. The reader has a pool of its own, so that streams and requests can't starve each other.
 * Its statement is prepared (named), so that a read needs no planning.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { TURN_EVENTS_CHANNEL } from '../../contracts/names.ts';
import { POSTGRES_LISTEN } from '../../runtime/bounds.ts';
import { BoundedClient, PostgresAwayError } from '../connection/pg-client.ts';
import { createPool } from '../connection/pg-pool.ts';

export interface PageRequest {
  turnId: string;
  /** Events with a greater seq are read. */
  after: number;
}

export interface StoredEvent {
  seq: number;
  event: string;
  /** JSON object text without `event` and `seq`. */
  payload: string;
}

/** The events after a request's cursor. A request without a page has nothing new, and its turn is still open. */
export interface EventPage {
  /** Index of the request. */
  request: number;
  /** `gone`: the turn's row does not exist. `ended`: the turn has written its last event. */
  turn: 'open' | 'ended' | 'gone';
  /** The id of the turn's assistant message; null when the turn is gone. */
  messageId: string | null;
  /** In order of seq, without gaps. */
  events: StoredEvent[];
  /** Whether more events follow this page. */
  more: boolean;
  /** Whether these are events of the short stream, which retention has made of an ended turn. */
  isShort: boolean;
}

export interface TurnEventReader {
  /** Reads a page for each request. A page ends with the event whose payload reaches `maxBytes`. */
  readPages(requests: readonly PageRequest[], maxBytes: number): Promise<EventPage[]>;
  close(): Promise<void>;
}

const MAX_EVENTS_PER_PAGE = 1_000;

// Events beyond last_seq are those that retention is about to delete (db/turns/purge-turn.ts).
const PAGES_SQL = `
  select r.n::int - 1 as request, t.id is null as gone, t.message_id,
    t.status in ('complete', 'cancelled', 'failed') as ended, t.last_seq::float8 as last_seq,
    t.shortened_at is not null as is_short,
    e.seq::float8 as seq, e.event, e.payload
  from unnest($1::uuid[], $2::bigint[]) with ordinality as r (turn_id, after, n)
  left join ai.copilot_turns t on t.id = r.turn_id
  left join lateral (
    select sized.seq, sized.event, sized.payload
    from (
      select page.seq, page.event, page.payload,
        sum(octet_length(page.payload)) over (order by page.seq) - octet_length(page.payload) as bytes_before
      from (
        select log.seq, log.event, log.payload from ai.copilot_turn_events log
        where log.turn_id = r.turn_id and log.seq > r.after and log.seq <= t.last_seq
        order by log.seq limit ${MAX_EVENTS_PER_PAGE}
      ) page
    ) sized
    where sized.bytes_before < $3
  ) e on true
  where e.seq is not null or t.id is null or t.status in ('complete', 'cancelled', 'failed')
  order by r.n, e.seq`;

interface PageRow {
  request: number;
  gone: boolean;
  message_id: string | null;
  ended: boolean | null;
  last_seq: number | null;
  is_short: boolean;
  seq: number | null;
  event: string;
  payload: string;
}

/** Creates a reader that makes at most `connections` reads at once. `onError` is called when an idle connection breaks. */
export function createTurnEventReader(options: {
  databaseUrl: string;
  connections: number;
  onError: (error: unknown) => void;
}): TurnEventReader {
  const pool = createPool(
    {
      connectionString: options.databaseUrl,
      application_name: 'copilot-streams',
      max: options.connections,
    },
    options.onError,
  );
  return {
    async readPages(requests, maxBytes) {
      const client = await pool.connect();
      let failed = true;
      try {
        const { rows } = await client.query<PageRow>({
          name: 'copilot_event_pages',
          text: PAGES_SQL,
          values: [requests.map((r) => r.turnId), requests.map((r) => r.after), maxBytes],
        });
        failed = false;
        return toPages(rows);
      } finally {
        client.release(failed);
      }
    },
    close: () => pool.end(),
  };
}

function toPages(rows: readonly PageRow[]): EventPage[] {
  const pages: EventPage[] = [];
  for (const row of rows) {
    let page = pages.at(-1);
    if (page?.request !== row.request) {
      page = {
        request: row.request,
        turn: row.gone ? 'gone' : row.ended ? 'ended' : 'open',
        messageId: row.message_id,
        events: [],
        more: false,
        isShort: row.is_short,
      };
      pages.push(page);
    }
    if (row.seq !== null) {
      page.events.push({ seq: row.seq, event: row.event, payload: row.payload });
      page.more = row.last_seq !== null && row.seq < row.last_seq;
    }
  }
  return pages;
}

export interface TurnEventListener {
  /** Whether announcements arrive now. While this is false, the caller must poll. */
  readonly connected: boolean;
  close(): Promise<void>;
}

const RECONNECT_MS = 250;
const MAX_RECONNECT_MS = 2_000;
const GOODBYE_MS = 300;

/**
 * Keeps one LISTEN connection and reconnects it until it is closed. `onTurns` gets the ids of turns with new events.
 * `onConnected` is called whenever listening begins: announcements may have been missed before, so the caller must then
 * read every turn that it watches.
 */
export function listenForTurnEvents(options: {
  databaseUrl: string;
  onTurns: (turnIds: string[]) => void;
  onConnected: () => void;
  onLost: (error: unknown) => void;
}): TurnEventListener {
  let client: BoundedClient | null = null;
  let connected = false;
  let closed = false;
  let delayMs = RECONNECT_MS;
  let timer: NodeJS.Timeout | undefined;

  const lose = (lost: BoundedClient, error: unknown): void => {
    if (client !== lost) return;
    client = null;
    connected = false;
    clearTimeout(timer);
    destroy(lost);
    if (closed) return;
    options.onLost(error);
    timer = setTimeout(() => void connect(), delayMs);
    delayMs = Math.min(delayMs * 2, MAX_RECONNECT_MS);
  };

  const connect = async (): Promise<void> => {
    const next = new BoundedClient({
      connectionString: options.databaseUrl,
      application_name: 'copilot-listener',
      bounds: POSTGRES_LISTEN,
    });
    client = next;
    next.on('error', (error) => lose(next, error));
    next.on('end', () => lose(next, new Error('the listening connection ended')));
    next.on('notification', ({ payload }) => options.onTurns((payload ?? '').split(',')));
    try {
      await next.connect();
      await next.query(`listen ${TURN_EVENTS_CHANNEL}`);
    } catch (error: unknown) {
      lose(next, error);
      return;
    }
    if (client !== next) return;
    connected = true;
    delayMs = RECONNECT_MS;
    probe(next);
    options.onConnected();
  };

  // A connection whose server is gone may look open and stay silent for ever, so it is probed.
  const probe = (current: BoundedClient): void => {
    timer = setTimeout(() => {
      current.query('select 1').then(
        () => client === current && probe(current),
        (error: unknown) => lose(current, error),
      );
    }, POSTGRES_LISTEN.probeEveryMs).unref();
  };

  void connect();
  return {
    get connected() {
      return connected;
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      const current = client;
      client = null;
      connected = false;
      if (!current) return;
      await Promise.race([
        current.end().catch(() => undefined),
        delay(GOODBYE_MS, undefined, { ref: false }),
      ]);
      destroy(current);
    },
  };
}

/** Closes a connection without waiting for the server. */
function destroy(client: BoundedClient): void {
  client.on('error', () => undefined);
  client.destroy(new PostgresAwayError('the listening connection was given up'));
}
