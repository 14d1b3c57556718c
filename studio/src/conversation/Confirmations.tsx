import type { TurnView } from '../../../client/src/index.ts';
import { ConfirmationCard } from './ConfirmationCard.tsx';

/** The questions of a turn. The newest is a landmark of the page; those before it are part of the answer. */
export function Confirmations({ view, isRunning }: { view: TurnView; isRunning: boolean }) {
  return view.confirmations.map((asked, index) => (
    <ConfirmationCard
      key={asked.callId}
      asked={asked}
      isRunning={isRunning}
      isNewest={index === view.confirmations.length - 1}
    />
  ));
}
