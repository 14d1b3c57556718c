import { Icon } from '../design/Icon.tsx';
import type { IconName } from '../design/icon-paths.ts';
import { useStudio } from '../store/studio.ts';
import { focusMessage } from './focus.ts';

/** Each shows another thing that the copilot can do. */
const SUGGESTIONS: readonly { icon: IconName; text: string; shows: string }[] = [
  {
    icon: 'pencil',
    text: 'Add a step that sends Slack notifications when the run finishes',
    shows: 'It edits the workflow. You apply or discard.',
  },
  { icon: 'warning', text: 'Why did the last run fail?', shows: 'It reads the logs of runs.' },
  { icon: 'list', text: 'How many orders were there last week?', shows: 'It queries the project’s data.' },
  {
    icon: 'agent',
    text: 'Create an agent called Support',
    shows: 'It asks you before it changes the project.',
  },
];

/** What stands in a conversation before its first message. */
export function EmptyConversation() {
  const setDraft = useStudio((studio) => studio.setDraft);
  const sendDraft = useStudio((studio) => studio.sendDraft);
  const ask = (text: string): void => {
    focusMessage();
    setDraft(text);
    void sendDraft();
  };
  return (
    <div className="messages suggestions">
      <h3>What should this workflow do?</h3>
      <p className="soft">
        The copilot sees the canvas as it is, saved or not. Nothing changes before you apply or approve it.
      </p>
      <ul aria-label="Suggestions">
        {SUGGESTIONS.map(({ icon, text, shows }) => (
          <li key={text}>
            <button type="button" className="suggestion" onClick={() => ask(text)}>
              <span className="suggestion-icon">
                <Icon name={icon} />
              </span>
              <span>
                <strong>{text}</strong>
                <span className="soft">{shows}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
