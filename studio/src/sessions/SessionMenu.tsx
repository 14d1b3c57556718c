import { useState } from 'react';
import type { ListedSession } from '../../../client/src/index.ts';
import { focusMessage } from '../conversation/focus.ts';
import { formatTime, formatWhole } from '../text/numbers.ts';
import { type Task, useTask } from '../app/use-task.ts';
import { Dialog } from '../design/Dialog.tsx';
import { Icon } from '../design/Icon.tsx';
import { Menu } from '../design/Menu.tsx';
import { messageOf } from '../store/notices.ts';
import { useStudio } from '../store/studio.ts';
import { readableText } from '../text/readable-text.ts';

/** The workflow's conversations: open one, delete one. */
export function SessionMenu() {
  const listSessions = useStudio((studio) => studio.listSessions);
  const title = useStudio(({ messages, turnMessage, hasOlderMessages, sessions, sessionId }) => {
    const listed = sessions.find(({ id }) => id === sessionId)?.title;
    return listed ?? (hasOlderMessages ? null : (messages[0]?.content ?? turnMessage));
  });
  const listing = useTask(listSessions);
  const [deleting, setDeleting] = useState<ListedSession | null>(null);
  return (
    <>
      <Menu
        label="Conversations"
        text={readableText((title ?? 'Conversations').slice(0, 80))}
        icon="chat"
        onOpen={listing.run}
      >
        {(close) => <SessionList listing={listing} close={close} onDelete={setDeleting} />}
      </Menu>
      {deleting && <DeleteDialog session={deleting} onClose={() => setDeleting(null)} />}
    </>
  );
}

function SessionList(props: {
  listing: Task;
  close: () => void;
  onDelete: (session: ListedSession) => void;
}) {
  const { listing, close, onDelete } = props;
  const sessions = useStudio((studio) => studio.sessions);
  const hasMore = useStudio((studio) => studio.hasMoreSessions);
  const listMore = useStudio((studio) => studio.listMoreSessions);
  const openSession = useStudio((studio) => studio.openSession);
  const openId = useStudio((studio) => studio.sessionId);
  const notify = useStudio((studio) => studio.notify);
  if (sessions.length === 0) {
    if (listing.state === 'running') return <p className="menu-note">Loading…</p>;
    if (listing.state === 'done')
      return <p className="menu-note">No conversation yet. Your first message begins one.</p>;
  }
  return (
    <>
      {listing.problem !== null && <p className="menu-note problem">{listing.problem}</p>}
      <ul className="session-list">
        {sessions.map((session) => {
          const title = readableText(session.title ?? 'No message yet');
          return (
            <li key={session.id}>
              <button
                type="button"
                className="menu-item"
                aria-current={session.id === openId}
                onClick={() => {
                  close();
                  if (session.id !== openId) void openSession(session.id);
                  focusMessage();
                }}
              >
                <span className="grow">
                  <bdi>{title}</bdi>
                  <span className="session-about">
                    {formatTime(session.created_at)}, {formatWhole(session.messages)} messages
                    {session.active_turn_id !== null && <strong>, running</strong>}
                  </span>
                </span>
              </button>
              <button
                type="button"
                className="button button-quiet button-icon"
                aria-label={`Delete ${title}`}
                title="Delete"
                onClick={() => {
                  close();
                  onDelete(session);
                }}
              >
                <Icon name="trash" />
              </button>
            </li>
          );
        })}
      </ul>
      {hasMore && (
        <button
          type="button"
          className="menu-item"
          onClick={() => void listMore().catch((error: unknown) => notify('problem', messageOf(error)))}
        >
          Older conversations
        </button>
      )}
    </>
  );
}

function DeleteDialog({ session, onClose }: { session: ListedSession; onClose: () => void }) {
  const deleteSession = useStudio((studio) => studio.deleteSession);
  const deletion = useTask(async () => {
    await deleteSession(session.id);
    onClose();
    focusMessage();
  });
  const isDeleting = deletion.state === 'running';
  return (
    <Dialog title="Delete this conversation?" onClose={onClose}>
      <p dir="auto">{readableText(session.title ?? 'It has no message yet.')}</p>
      <p className="soft">
        Its messages are lost for good, and a turn that runs in it is cancelled. What was applied to the
        workflow stays.
      </p>
      {deletion.problem !== null && (
        <p className="problem" role="alert">
          {deletion.problem}
        </p>
      )}
      <div className="dialog-buttons">
        <button type="button" className="button" onClick={onClose}>
          Keep it
        </button>
        <button
          type="button"
          className="button button-danger"
          aria-disabled={isDeleting}
          onClick={deletion.run}
        >
          {isDeleting ? 'Deleting…' : 'Delete'}
        </button>
      </div>
    </Dialog>
  );
}
