import { useState } from 'react';
import { Icon } from '../design/Icon.tsx';
import { Menu } from '../design/Menu.tsx';
import { isUnsaved } from '../store/graph.ts';
import { messageOf } from '../store/notices.ts';
import { useStudio } from '../store/studio.ts';
import { readableText } from '../text/readable-text.ts';

/** Which workflow is open: the list, a new one, another one. */
export function WorkflowMenu() {
  const workflow = useStudio((studio) => studio.workflow);
  const state = useStudio((studio) => studio.workflowState);
  const listWorkflows = useStudio((studio) => studio.listWorkflows);
  const notify = useStudio((studio) => studio.notify);
  const shown = workflow?.name || (state === 'loading' ? 'Loading…' : 'No workflow');
  const refresh = (): void => {
    listWorkflows().catch((error: unknown) => notify('problem', messageOf(error)));
  };
  return (
    <Menu label="Workflow" text={readableText(shown)} onOpen={refresh}>
      {(close) => <WorkflowList close={close} />}
    </Menu>
  );
}

function WorkflowList({ close }: { close: () => void }) {
  const workflows = useStudio((studio) => studio.workflows);
  const total = useStudio((studio) => studio.workflowsTotal);
  const openId = useStudio((studio) => studio.workflow?.id);
  const openWorkflow = useStudio((studio) => studio.openWorkflow);
  const listMore = useStudio((studio) => studio.listMoreWorkflows);
  const notify = useStudio((studio) => studio.notify);
  const report = (error: unknown): void => notify('problem', messageOf(error));
  return (
    <>
      <ul>
        {workflows.map(({ id, name }) => (
          <li key={id}>
            <button
              type="button"
              className="menu-item"
              aria-current={id === openId}
              onClick={() => {
                close();
                if (id !== openId && mayLeave()) openWorkflow(id).catch(report);
              }}
            >
              <bdi className="grow">{readableText(name)}</bdi>
              {id === openId && <Icon name="check" />}
            </button>
          </li>
        ))}
      </ul>
      {workflows.length === 0 && <p className="menu-note">No workflow yet.</p>}
      {workflows.length < total && (
        <button type="button" className="menu-item" onClick={() => void listMore().catch(report)}>
          Show more ({total - workflows.length})
        </button>
      )}
      <NewWorkflow close={close} />
    </>
  );
}

function NewWorkflow({ close }: { close: () => void }) {
  const createWorkflow = useStudio((studio) => studio.createWorkflow);
  const notify = useStudio((studio) => studio.notify);
  const [name, setName] = useState('');
  return (
    <form
      className="menu-form"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === '' || !mayLeave()) return;
        createWorkflow(name.trim()).then(close, (error: unknown) => notify('problem', messageOf(error)));
      }}
    >
      <input
        aria-label="Name of the new workflow"
        placeholder="New workflow"
        maxLength={255}
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <button type="submit" className="button" disabled={name.trim() === ''}>
        <Icon name="plus" /> Create
      </button>
    </form>
  );
}

/** Asks before unsaved edits are left behind. */
function mayLeave(): boolean {
  return !isUnsaved(useStudio.getState()) || window.confirm('Leave this workflow without saving your edits?');
}
