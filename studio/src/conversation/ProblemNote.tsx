import type { ReactNode } from 'react';
import { Icon } from '../design/Icon.tsx';
import type { Problem } from '../store/turn.ts';
import { readableText } from '../text/readable-text.ts';
import { adviceFor } from './problems.ts';

/** What went wrong, what to do about it, and what the service says. */
export function ProblemNote({ problem, children }: { problem: Problem; children?: ReactNode }) {
  const { title, advice } = adviceFor(problem.code);
  return (
    <div className="problem-note" role="alert">
      <Icon name="warning" />
      <div>
        <p>
          <strong>{title}.</strong> {advice}
        </p>
        <p className="problem-said" dir="auto">
          {readableText(problem.message)}
          {problem.code !== null && <code className="problem-code">{problem.code}</code>}
        </p>
        {children}
      </div>
    </div>
  );
}
