/** Identifies a process by its pid and start time, so that a signal never reaches a later process with the same pid. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface ProcessIdentity {
  pid: number;
  /** The start time as text of the operating system. Only equality means something. */
  startedAt: string;
}

/** The identity of a running process; null when no process has this pid. */
export function identify(pid: number): ProcessIdentity | null {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      // The process name in parentheses may hold spaces. Field 3 is the state, field 22 the start time in ticks since boot.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (fields[0] === 'Z' || fields[0] === 'X') return null;
      const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
      return { pid, startedAt: `${boot}/${fields[19]}` };
    }
    const startedAt = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return startedAt === '' ? null : { pid, startedAt };
  } catch {
    return null;
  }
}

/** Whether this process still runs. False for a later process with the same pid. */
export function isAlive(identity: ProcessIdentity): boolean {
  return identify(identity.pid)?.startedAt === identity.startedAt;
}

/** Sends a signal to this process, never to a later one with the same pid. Returns false when the process is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  try {
    process.kill(identity.pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** The npm process that started this one, directly or through a shell; null when npm did not start it. */
export function findNpmParent(env: Record<string, string | undefined>): ProcessIdentity | null {
  if (env.npm_lifecycle_event === undefined) return null;
  let pid = process.ppid;
  // Above this process may be the Node that handed over, npm's shell, and npm.
  for (let level = 0; level < 4 && pid > 1; level++) {
    const command = commandOf(pid);
    if (/\bnpm\b/.test(command) && !/^(\S*\/)?(ba|da|z)?sh\b/.test(command)) return identify(pid);
    pid = parentOf(pid);
  }
  return identify(process.ppid);
}

function commandOf(pid: number): string {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
    return execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

function parentOf(pid: number): number {
  try {
    if (process.platform === 'linux') {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    }
    return Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }).trim());
  } catch {
    return 0;
  }
}
