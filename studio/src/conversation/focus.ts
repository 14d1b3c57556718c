/** The textbox of the composer. */
export const MESSAGE_ID = 'message';

/** Moves the focus to the composer, such as from a button that is about to go. */
export function focusMessage(): void {
  document.getElementById(MESSAGE_ID)?.focus();
}
