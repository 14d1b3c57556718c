import { useEffect } from 'react';
import { hearTabs } from '../store/tabs.ts';
import { useStudio } from '../store/studio.ts';
import { ConversationHeader } from '../sessions/ConversationHeader.tsx';
import { Composer } from './Composer.tsx';
import { EmptyConversation } from './EmptyConversation.tsx';
import { MessageList } from './MessageList.tsx';
import { TurnStatus } from './TurnStatus.tsx';
import './composer.css';
import './conversation.css';
import './markdown.css';
import './answer.css';
import './confirmation.css';

/** The conversation: messages, the running turn, the composer. */
export function Conversation() {
  useOtherTabs();
  return (
    <div className="conversation">
      <ConversationHeader />
      <Body />
      <div className="conversation-foot">
        <TurnStatus />
        <Composer />
      </div>
    </div>
  );
}

function Body() {
  const workflowState = useStudio((studio) => studio.workflowState);
  const state = useStudio((studio) => studio.messagesState);
  const problem = useStudio((studio) => studio.messagesProblem);
  const isEmpty = useStudio(({ messages, turnId }) => messages.length === 0 && turnId === null);
  const isRunning = useStudio((studio) => studio.isRunning);
  const load = useStudio((studio) => studio.loadMessages);
  const sessionId = useStudio((studio) => studio.sessionId);
  if (state === 'failed')
    return (
      <div className="empty" role="alert">
        <h2>The conversation could not be loaded</h2>
        <p dir="auto">{problem}</p>
        <button type="button" className="button" onClick={() => void load()}>
          Try again
        </button>
      </div>
    );
  if (workflowState === 'loading' || (state === 'loading' && isEmpty)) return <Loading />;
  if (workflowState !== 'ready' && isEmpty)
    return (
      <div className="empty">
        <p>Open or create a workflow first: the conversation is about it.</p>
      </div>
    );
  if (isEmpty && !isRunning) return <EmptyConversation />;
  return <MessageList key={sessionId} />;
}

/** The outline of a conversation, while it is loaded. */
function Loading() {
  return (
    <div className="messages" aria-busy="true">
      <p className="hidden-text">Loading the conversation</p>
      <div className="loading-lines" aria-hidden="true">
        <span className="skeleton-bar skeleton-short" />
        <span className="skeleton-bar" />
        <span className="skeleton-bar" />
      </div>
    </div>
  );
}

/** Takes part in what other tabs of this browser do, and looks for news when this tab is looked at again. */
function useOtherTabs(): void {
  useEffect(() => {
    const end = hearTabs(({ kind, sessionId }) => {
      const studio = useStudio.getState();
      if (sessionId !== studio.sessionId) return;
      if (kind === 'turn') void studio.catchUp();
      else {
        studio.startNewSession();
        studio.notify('note', 'This conversation was deleted in another tab.');
      }
    });
    const look = (): void => {
      if (!document.hidden) void useStudio.getState().catchUp();
    };
    document.addEventListener('visibilitychange', look);
    return () => {
      end();
      document.removeEventListener('visibilitychange', look);
    };
  }, []);
}
