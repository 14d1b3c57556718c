import { type ReactNode, useEffect, useId, useRef } from 'react';

/** A modal dialog with a heading. The browser holds the focus inside and gives it back when the dialog closes. */
export function Dialog(props: {
  title: string;
  /** Absent: the dialog can't be closed without an answer. */
  onClose?: () => void;
  children: ReactNode;
}) {
  const { title, onClose, children } = props;
  const element = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      className="dialog"
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
      onKeyDown={(event) => {
        // Some browsers close a dialog on the second Escape whatever `cancel` says.
        if (event.key !== 'Escape') return;
        event.preventDefault();
        onClose?.();
      }}
    >
      <div className="dialog-body">
        <h2 id={titleId}>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
