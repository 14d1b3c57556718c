import { useState } from 'react';
import type { TurnView } from '../../../client/src/index.ts';
import { LongText } from '../text/LongText.tsx';

/** What the model thought, folded. */
export function Reasoning({
  reasoning,
  isRunning,
}: {
  reasoning: TurnView['reasoning'];
  isRunning: boolean;
}) {
  const [isOpen, setOpen] = useState(false);
  if (reasoning.length === 0) return null;
  return (
    <details className="reasoning" open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Reasoning
        <span className="soft">
          {isRunning ? ' so far' : ''}
          {reasoning.length > 1 ? `, ${reasoning.length} steps` : ''}
        </span>
      </summary>
      {isOpen &&
        reasoning.map(({ step, text }) => (
          <section key={step} aria-label={`Reasoning of step ${step}`}>
            {reasoning.length > 1 && <p className="soft">Step {step}</p>}
            <LongText text={text} label={`Reasoning of step ${step}`} />
          </section>
        ))}
    </details>
  );
}
