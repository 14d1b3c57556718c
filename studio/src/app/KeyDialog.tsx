import { useState } from 'react';
import { Dialog } from '../design/Dialog.tsx';
import { useStudio } from '../store/studio.ts';

/** Asks for a key where there is none, or where the service refused the last one. What waits for it then goes on. */
export function KeyDialog() {
  const keyState = useStudio((studio) => studio.keyState);
  const giveKey = useStudio((studio) => studio.giveKey);
  const [typed, setTyped] = useState('');
  if (keyState === 'given') return null;
  return (
    <Dialog title={keyState === 'refused' ? 'The key is not valid any more' : 'A key is needed'}>
      <p className="soft">
        {keyState === 'refused'
          ? 'It may have expired. Nothing on this page is lost: enter another key and go on.'
          : 'Open the link that npm start prints, or enter a key here. It stays in this tab.'}
      </p>
      <form
        className="field"
        onSubmit={(event) => {
          event.preventDefault();
          const key = typed.trim();
          setTyped('');
          if (key !== '') giveKey(key);
        }}
      >
        <label htmlFor="key">Key</label>
        <input
          id="key"
          type="password"
          autoComplete="off"
          spellCheck={false}
          required
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <div className="dialog-buttons">
          <button type="submit" className="button button-primary" disabled={typed.trim() === ''}>
            Continue
          </button>
        </div>
      </form>
    </Dialog>
  );
}
