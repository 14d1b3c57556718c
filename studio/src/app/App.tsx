import { useEffect } from 'react';
import { Canvas } from '../canvas/Canvas.tsx';
import { Conversation } from '../conversation/Conversation.tsx';
import { isUnsaved } from '../store/graph.ts';
import { readAddress } from '../store/address.ts';
import { useStudio } from '../store/studio.ts';
import { KeyDialog } from './KeyDialog.tsx';
import { Notices } from './Notices.tsx';
import { Panes } from './Panes.tsx';
import { TopBar } from './TopBar.tsx';

const TITLE = document.title;

/** The whole page. */
export function App() {
  useStart();
  useTitle();
  useLeaveWarning();
  return (
    <>
      <Panes top={<TopBar />} canvas={<Canvas />} conversation={<Conversation />} />
      <Notices />
      <KeyDialog />
    </>
  );
}

/** Loads what the address names, and follows the browser's Back and Forward. */
function useStart(): void {
  useEffect(() => {
    const { start, openWorkflow } = useStudio.getState();
    void start();
    const follow = (): void => {
      const { workflow, session } = readAddress();
      if (workflow !== null && workflow !== useStudio.getState().workflow?.id)
        void openWorkflow(workflow, session);
    };
    window.addEventListener('popstate', follow);
    return () => window.removeEventListener('popstate', follow);
  }, []);
}

function useTitle(): void {
  const name = useStudio((studio) => studio.workflow?.name);
  const unsaved = useStudio(isUnsaved);
  useEffect(() => {
    document.title = `${unsaved ? '• ' : ''}${name ? `${name} – ` : ''}${TITLE}`;
  }, [name, unsaved]);
}

/** The browser asks before a page with unsaved edits is left. */
function useLeaveWarning(): void {
  const unsaved = useStudio(isUnsaved);
  useEffect(() => {
    if (!unsaved) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    window.addEventListener('beforeunload', ask);
    return () => window.removeEventListener('beforeunload', ask);
  }, [unsaved]);
}
