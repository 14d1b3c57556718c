/** Takes the same figures of every system of `npm run bench -- peers`. */
import { setTimeout as delay } from 'node:timers/promises';
import { residentMb } from './bench-system.ts';
import type { Reading } from './chat-reader.ts';
import type { Answer } from './model-server.ts';
import { percentile } from './stats.ts';

const SHORT: Answer = { pieces: 10, pieceMs: 20, toolSteps: 0 };
/** Five model calls, four of them with a tool call. */
const TURN: Answer = { pieces: 20, pieceMs: 0, toolSteps: 4 };
const CALLS = 5;
const AT_ONCE = 25;
/** 50 pieces a second. The first second is the start of 25 turns, which is not delivery. */
const PIECE_MS = 20;
const SKIPPED_PIECES = 50;
const WARM_TURNS = 10;
const MEMORY_EVERY_MS = 250;

/** How much is measured. */
export interface Plan {
  firstTokens: number;
  /** Rounds of 25 turns, after one that warms up. */
  deliveryRounds: number;
  pieces: number;
  loadMs: number;
  loadWarmUpMs: number;
  settleMs: number;
}

export const FULL: Plan = {
  firstTokens: 100,
  deliveryRounds: 3,
  pieces: 300,
  loadMs: 60_000,
  loadWarmUpMs: 5_000,
  settleMs: 5_000,
};
/** Shows that everything works. Its figures say nothing. */
export const TRIAL: Plan = {
  firstTokens: 5,
  deliveryRounds: 1,
  pieces: 100,
  loadMs: 5_000,
  loadWarmUpMs: 1_000,
  settleMs: 500,
};

export interface MeasuredSystem {
  pid: number;
  chat(answer: Answer): Promise<Reading>;
  /** Whether one request is the whole turn; false when it is one model call without tools. */
  wholeTurns: boolean;
  /** The history of a turn; null for a system without Temporal. */
  history: ((reading: Reading) => Promise<{ events: number; bytes: number }>) | null;
}

export interface Figures {
  firstTokenMs: number[];
  /** The same of the bare server, one turn before each of the system's. */
  bareFirstTokenMs: number[];
  deltaMs: number[];
  history: { events: number; bytes: number } | null;
  turnsAMinute: number;
  /** Turns that did not come to their end. Their pieces count nowhere. */
  failedTurns: number;
  idleMb: number;
  peakMb: number;
}

/** Measures a system that was just started. A turn that fails while others run is counted; alone, it ends the measuring. */
export async function takeFigures(
  system: MeasuredSystem,
  bareChat: (answer: Answer) => Promise<Reading>,
  plan: Plan,
): Promise<Figures> {
  for (let n = 0; n < WARM_TURNS; n += 1) {
    await bareChat(SHORT);
    await turn(system);
  }
  await delay(plan.settleMs);
  const idleMb = residentMb(system.pid);
  const firstTokenMs: number[] = [];
  const bareFirstTokenMs: number[] = [];
  for (let n = 0; n < plan.firstTokens; n += 1) {
    bareFirstTokenMs.push((await bareChat(SHORT)).firstTokenMs);
    firstTokenMs.push((await system.chat(SHORT)).firstTokenMs);
  }
  const history = system.history === null ? null : await system.history(await system.chat(TURN));
  const failures = new Failures();
  const deltaMs = await delivery(system, plan, failures);
  const { turnsAMinute, peakMb } = await load(system, plan, failures);
  return {
    firstTokenMs,
    bareFirstTokenMs,
    deltaMs,
    history,
    turnsAMinute,
    failedTurns: failures.count,
    idleMb,
    peakMb,
  };
}

/** Counts failed turns and prints the first reason. */
class Failures {
  count = 0;

  /** Null when it failed. */
  async of<T>(work: Promise<T>): Promise<T | null> {
    try {
      return await work;
    } catch (error: unknown) {
      if (this.count === 0) console.error('a turn failed:', error);
      this.count += 1;
      return null;
    }
  }
}

async function delivery(system: MeasuredSystem, plan: Plan, failures: Failures): Promise<number[]> {
  const deltaMs: number[] = [];
  const answer = { pieces: plan.pieces, pieceMs: PIECE_MS, toolSteps: 0 };
  for (let round = 0; round <= plan.deliveryRounds; round += 1) {
    const readings = await Promise.all(
      Array.from({ length: AT_ONCE }, () => failures.of(system.chat(answer))),
    );
    if (round === 0) continue;
    for (const reading of readings) if (reading) deltaMs.push(...reading.deltaMs.slice(SKIPPED_PIECES));
  }
  return deltaMs;
}

/** Keeps 25 turns going. Counts those that end within the measured time. */
async function load(
  system: MeasuredSystem,
  { loadMs, loadWarmUpMs }: Plan,
  failures: Failures,
): Promise<{ turnsAMinute: number; peakMb: number }> {
  const startedAt = performance.now();
  const age = (): number => performance.now() - startedAt;
  const end = loadWarmUpMs + loadMs;
  let turns = 0;
  let peakMb = 0;
  const lane = async (): Promise<void> => {
    while (age() < end) {
      const done = await failures.of(turn(system));
      if (done && age() >= loadWarmUpMs && age() < end) turns += 1;
    }
  };
  const watch = async (): Promise<void> => {
    for (; age() < end; await delay(MEMORY_EVERY_MS)) peakMb = Math.max(peakMb, residentMb(system.pid));
  };
  await Promise.all([...Array.from({ length: AT_ONCE }, lane), watch()]);
  return { turnsAMinute: (turns * 60_000) / loadMs, peakMb };
}

async function turn(system: MeasuredSystem): Promise<true> {
  if (system.wholeTurns) await system.chat(TURN);
  else for (let call = 0; call < CALLS; call += 1) await system.chat({ ...TURN, toolSteps: 0 });
  return true;
}

/** One row of the table. */
export function rowOf(title: string, figures: Figures, streams: boolean): string[] {
  const added = (share: number): string =>
    ms(percentile(figures.firstTokenMs, share) - percentile(figures.bareFirstTokenMs, share));
  const delta = (share: number): string => (streams ? ms(percentile(figures.deltaMs, share)) : 'no stream');
  const { history } = figures;
  return [
    title,
    delta(0.5),
    delta(0.99),
    added(0.5),
    added(0.99),
    history === null ? '' : history.events.toLocaleString('en'),
    history === null ? '' : history.bytes.toLocaleString('en'),
    Math.round(figures.turnsAMinute).toLocaleString('en'),
    String(figures.failedTurns),
    `${Math.round(figures.idleMb)} MB`,
    `${Math.round(figures.peakMb)} MB`,
  ];
}

function ms(value: number): string {
  if (Number.isNaN(value)) return 'none';
  return `${value < 100 ? value.toFixed(1) : Math.round(value)} ms`;
}
