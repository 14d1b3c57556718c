/**
 * One piece of work in a process, however many activity attempts ask for it.
 *
 * When Temporal is away for longer than the heartbeat timeout, it starts a second attempt of a model call that is
 * still running here. The second attempt must not pay for the call again: it joins the first one's flight. An attempt
 * that Temporal gave up on leaves its flight running for a while, so that its successor finds it.
 */

const LINGER_MS = 15_000;

interface Flight<T, W> {
  work: W;
  result: Promise<T>;
  abort: AbortController;
  passengers: number;
  linger: NodeJS.Timeout | null;
}

export interface Passenger {
  /** Aborts when the attempt is cancelled, for whatever reason. */
  signal: AbortSignal;
  /** Asked after the abort: true when no later attempt is going to want this work in this process. */
  isFinal(): boolean;
}

export interface SingleFlight<T, W> {
  /**
   * Joins the flight of `key`, or starts it with `work`, which the flight keeps: what it has come to. `onBoard` is given
   * the work of the flight that was joined. Rejects with the signal's reason when the passenger leaves.
   */
  join(
    key: string,
    passenger: Passenger,
    work: W,
    onBoard: (work: W) => void,
    start: (signal: AbortSignal) => Promise<T>,
  ): Promise<T>;
}

/** Creates an empty set of flights. */
export function createSingleFlight<T, W>(): SingleFlight<T, W> {
  const flights = new Map<string, Flight<T, W>>();

  const takeOff = (key: string, work: W, start: (signal: AbortSignal) => Promise<T>): Flight<T, W> => {
    const abort = new AbortController();
    const flight: Flight<T, W> = { work, result: start(abort.signal), abort, passengers: 0, linger: null };
    flights.set(key, flight);
    const land = (): void => {
      if (flight.linger) clearTimeout(flight.linger);
      if (flights.get(key) === flight) flights.delete(key);
    };
    flight.result.then(land, land);
    return flight;
  };

  const leave = (key: string, flight: Flight<T, W>, passenger: Passenger): void => {
    flight.passengers -= 1;
    if (flight.passengers > 0) return;
    const end = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
      flight.abort.abort(passenger.signal.reason);
    };
    if (passenger.isFinal()) end();
    else flight.linger = setTimeout(end, LINGER_MS);
  };

  return {
    async join(key, passenger, work, onBoard, start) {
      passenger.signal.throwIfAborted();
      const flight = flights.get(key) ?? takeOff(key, work, start);
      onBoard(flight.work);
      if (flight.linger) clearTimeout(flight.linger);
      flight.linger = null;
      flight.passengers += 1;
      return new Promise<T>((resolve, reject) => {
        const onAbort = (): void => {
          leave(key, flight, passenger);
          reject(passenger.signal.reason as Error);
        };
        passenger.signal.addEventListener('abort', onAbort, { once: true });
        flight.result
          .finally(() => passenger.signal.removeEventListener('abort', onAbort))
          .then(resolve, reject);
      });
    },
  };
}
