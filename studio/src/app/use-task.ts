import { useState } from 'react';
import { messageOf } from '../store/notices.ts';

export interface Task {
  state: 'idle' | 'running' | 'done';
  /** Why it failed the last time. */
  problem: string | null;
  run: () => void;
}

/** Something that a person starts and that takes a while; it runs once at a time. */
export function useTask(work: () => Promise<void>): Task {
  const [{ state, problem }, set] = useState<Omit<Task, 'run'>>({ state: 'idle', problem: null });
  const run = (): void => {
    if (state === 'running') return;
    set({ state: 'running', problem: null });
    work().then(
      () => set({ state: 'done', problem: null }),
      (error: unknown) => set({ state: 'idle', problem: messageOf(error) }),
    );
  };
  return { state, problem, run };
}
