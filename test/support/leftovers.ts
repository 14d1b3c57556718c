/** Ends processes that tests started, whether or not the tests came to their own end. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Asks the process group of a child to end and waits for all of it; kills what is left after `waitMs`. */
export async function killGroup(child: ChildProcess | null, waitMs: number): Promise<void> {
  if (child?.pid === undefined) return;
  signalGroup(child.pid, 'SIGTERM');
  for (const until = Date.now() + waitMs; signalGroup(child.pid, 0); await delay(50)) {
    if (Date.now() > until) {
      signalGroup(child.pid, 'SIGKILL');
      return;
    }
  }
}

/** False when nothing of the group is left. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Kills every other process that works in a folder or was given a path of it. Linux only. */
export function killProcessesOf(folder: string): void {
  for (const pid of processesOf(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It is gone already.
    }
  }
}

/** The other processes that work in a folder, or have a path of it among their arguments or in their environment. */
export function processesOf(folder: string): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .filter((pid) => {
      try {
        return (
          readlinkSync(`/proc/${pid}/cwd`).startsWith(folder) ||
          readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder) ||
          readFileSync(`/proc/${pid}/environ`, 'utf8').includes(folder)
        );
      } catch {
        return false;
      }
    })
    .map(Number);
}
