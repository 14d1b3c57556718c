/** Ends processes that tests started, also when a test failed or was killed. */
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** Ends the process group of a child with SIGTERM and waits for it. Kills the rest of the group after `waitMs`. */
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

/** Sends a signal to a process group; 0 only tests it. Returns false when the group has no process. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** Kills all processes of processesOf. Linux only. */
export function killProcessesOf(folder: string): void {
  for (const pid of processesOf(folder)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // The process is gone already.
    }
  }
}

/** The other processes whose working directory, arguments or environment name a folder. Empty except on Linux. */
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
