import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Icon } from './Icon.tsx';
import type { IconName } from './icon-paths.ts';

/** A button that opens a panel below it. Escape, a click elsewhere and leaving it by keyboard close the panel. */
export function Menu(props: {
  label: string;
  /** Shown in the button; absent: the icon alone, with the label for screen readers. */
  text?: string;
  icon?: IconName;
  align?: 'start' | 'end';
  /** Called each time that the panel opens. */
  onOpen?: () => void;
  children: (close: () => void) => ReactNode;
}) {
  const { label, text, icon, align = 'start', onOpen, children } = props;
  const [isOpen, setOpen] = useState(false);
  const holder = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panelId = useId();
  useEffect(() => {
    if (!isOpen) return;
    const closeOutside = (event: Event): void => {
      if (event.target instanceof Node && !holder.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', closeOutside);
    document.addEventListener('focusin', closeOutside);
    return () => {
      document.removeEventListener('pointerdown', closeOutside);
      document.removeEventListener('focusin', closeOutside);
    };
  }, [isOpen]);
  const close = (): void => {
    setOpen(false);
    button.current?.focus();
  };
  return (
    <div
      className="menu-holder"
      ref={holder}
      onKeyDown={(event) => {
        if (event.key !== 'Escape' || !isOpen) return;
        event.stopPropagation();
        close();
      }}
    >
      <button
        type="button"
        ref={button}
        className={text === undefined ? 'button button-quiet button-icon' : 'button button-quiet menu-button'}
        aria-expanded={isOpen}
        aria-controls={isOpen ? panelId : undefined}
        aria-label={text === undefined ? label : undefined}
        title={label}
        onClick={() => {
          if (!isOpen) onOpen?.();
          setOpen(!isOpen);
        }}
      >
        {icon && <Icon name={icon} />}
        {text !== undefined && (
          <>
            <span className="hidden-text">{label}: </span>
            <span className="menu-text">{text}</span>
            <Icon name="chevron" size={12} />
          </>
        )}
      </button>
      {isOpen && (
        <div id={panelId} className={`menu menu-${align}`}>
          {children(close)}
        </div>
      )}
    </div>
  );
}
