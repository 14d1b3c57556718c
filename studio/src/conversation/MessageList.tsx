import { memo, useEffect, useMemo, useRef } from 'react';
import { useTask } from '../app/use-task.ts';
import { Icon } from '../design/Icon.tsx';
import { useStudio } from '../store/studio.ts';
import { LongMessage } from '../text/LongMessage.tsx';
import { Answer } from './Answer.tsx';
import { type Entry, toEntries } from './entries.ts';
import { formatTime } from '../text/numbers.ts';
import { ProblemNote } from './ProblemNote.tsx';
import { useStick } from './use-stick.ts';

/** The messages, oldest first. Older ones are loaded where the reader scrolls up to them. */
export function MessageList() {
  const messages = useStudio((studio) => studio.messages);
  const turn = useStudio((studio) => studio.turn);
  const turnId = useStudio((studio) => studio.turnId);
  const turnMessage = useStudio((studio) => studio.turnMessage);
  const entries = useMemo(
    () => toEntries({ messages, turn, turnId, turnMessage }),
    [messages, turn, turnId, turnMessage],
  );
  const { scroller, content, isAtEnd, jumpToEnd } = useStick(entries[0]?.key);
  useJumpOnOwnMessage(jumpToEnd);
  return (
    <div className="messages-frame">
      <div className="messages" ref={scroller} role="group" tabIndex={0} aria-label="Messages">
        <div className="messages-content" ref={content}>
          <OlderMessages />
          {entries.map((entry) =>
            entry.kind === 'user' ? (
              <UserMessage key={entry.key} entry={entry} />
            ) : (
              <Answer key={entry.key} message={entry.message} view={entry.view} />
            ),
          )}
          <TurnProblem />
        </div>
      </div>
      {!isAtEnd && (
        <button type="button" className="button jump" onClick={jumpToEnd}>
          <Icon name="down" /> Jump to newest
        </button>
      )}
    </div>
  );
}

/** Who sends a message wants to see what comes of it. */
function useJumpOnOwnMessage(jumpToEnd: () => void): void {
  const isSending = useStudio((studio) => studio.isSending);
  useEffect(() => {
    if (isSending) jumpToEnd();
  }, [isSending, jumpToEnd]);
}

function OlderMessages() {
  const hasOlder = useStudio((studio) => studio.hasOlderMessages);
  const loadOlder = useStudio((studio) => studio.loadOlderMessages);
  const { state, problem, run } = useTask(loadOlder);
  const mark = useRef<HTMLDivElement>(null);
  const isLoading = state === 'running';
  const isIdle = !isLoading && problem === null;
  const loadSeen = useRef(run);
  useEffect(() => {
    loadSeen.current = run;
  });
  useEffect(() => {
    const element = mark.current;
    if (!element || !hasOlder || !isIdle) return;
    const watch = new IntersectionObserver(
      ([seen]) => {
        if (seen?.isIntersecting === true) loadSeen.current();
      },
      { root: element.closest('.messages'), rootMargin: '400px 0px 0px' },
    );
    watch.observe(element);
    return () => watch.disconnect();
  }, [hasOlder, isIdle]);
  if (!hasOlder) return null;
  return (
    <div className="older" ref={mark}>
      {problem !== null && <p className="problem">{problem}</p>}
      <button type="button" className="button button-quiet" aria-disabled={isLoading} onClick={run}>
        {isLoading ? 'Loading older messages…' : 'Load older messages'}
      </button>
    </div>
  );
}

const UserMessage = memo(function UserMessage({ entry }: { entry: Extract<Entry, { kind: 'user' }> }) {
  const { text, message } = entry;
  return (
    <article className="message message-user" aria-label="Your message">
      <h3 className="hidden-text">You</h3>
      <LongMessage text={text} />
      {message && (
        <time className="message-time" dateTime={message.created_at}>
          {formatTime(message.created_at)}
        </time>
      )}
    </article>
  );
});

function TurnProblem() {
  const problem = useStudio((studio) => studio.turnProblem);
  const catchUp = useStudio((studio) => studio.catchUp);
  if (!problem) return null;
  return (
    <ProblemNote problem={problem}>
      <button type="button" className="button" onClick={() => void catchUp()}>
        Follow again
      </button>
    </ProblemNote>
  );
}
