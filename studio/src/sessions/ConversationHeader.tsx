import { useMemo } from 'react';
import { focusMessage } from '../conversation/focus.ts';
import { formatCost, formatShort, sumUsage } from '../text/numbers.ts';
import { Icon } from '../design/Icon.tsx';
import { useStudio } from '../store/studio.ts';
import { SessionMenu } from './SessionMenu.tsx';

/** Which conversation is open, what it cost so far, and the way to another one. */
export function ConversationHeader() {
  const startNew = useStudio((studio) => studio.startNewSession);
  const isReady = useStudio(({ workflowState }) => workflowState === 'ready');
  return (
    <header className="conversation-head">
      <h2 className="hidden-text">Conversation</h2>
      <SessionMenu />
      <SessionUsage />
      <button
        type="button"
        className="button button-quiet"
        aria-disabled={!isReady}
        onClick={() => {
          if (!isReady) return;
          startNew();
          focusMessage();
        }}
      >
        <Icon name="plus" />
        <span>
          New<span className="roomy"> conversation</span>
        </span>
      </button>
    </header>
  );
}

function SessionUsage() {
  const messages = useStudio((studio) => studio.messages);
  const hasOlder = useStudio((studio) => studio.hasOlderMessages);
  const { tokens, cost } = useMemo(() => sumUsage(messages.map(({ usage }) => usage)), [messages]);
  if (tokens === 0) return null;
  const least = hasOlder ? 'at least ' : '';
  return (
    <span
      className="conversation-usage"
      title={`Of this conversation${hasOlder ? ', without older messages' : ''}`}
    >
      <span className="hidden-text">This conversation: </span>
      {least}
      {formatShort(tokens)} tokens{cost === null ? '' : `, ${formatCost(cost)}`}
    </span>
  );
}
