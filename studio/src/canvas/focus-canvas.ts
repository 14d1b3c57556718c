/** Gives the focus to a block of the canvas; to the canvas itself where there is none, so that it is never lost. */
export function focusCanvas(blockId?: string): void {
  const flow = document.querySelector<HTMLElement>('.flow');
  const block =
    blockId === undefined
      ? null
      : flow?.querySelector<HTMLElement>(`.react-flow__node[data-id="${CSS.escape(blockId)}"]`);
  (block ?? flow)?.focus({ preventScroll: true });
}
