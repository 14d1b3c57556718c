/**
 * Cuts markdown into its blocks, so that a growing answer renders only its last block anew. Text that was cut once is never
 * looked at again while the answer only grows.
 */
import { fromMarkdown } from 'mdast-util-from-markdown';

export type Block =
  | { kind: 'markdown'; text: string }
  /** Shown as it is: code in a fence, or a block too long to be laid out. */
  | { kind: 'code'; text: string; language: string }
  | { kind: 'plain'; text: string };

/** As much as is parsed at once. */
const WINDOW_CHARS = 4_000;
/** The time that markdown takes grows faster than its length. */
const MAX_BLOCK_CHARS = 12_000;
/** A longer list is cut between its items. */
const LIST_CHARS = 1_000;
const FENCE = /^ {0,3}(`{3,}(?!.*`)|~{3,})[ \t]*([^\n]*)(?:\n|$)/;

/** Gives the blocks of a text. Called again with more of the same text, it gives the same objects for what was finished. */
export function createBlockSplitter(): (text: string) => readonly Block[] {
  let seen = '';
  let doneChars = 0;
  let done: Block[] = [];
  return (text) => {
    if (!text.startsWith(seen)) {
      doneChars = 0;
      done = [];
    }
    seen = text;
    const finished: Block[] = [];
    let open: Block | null = null;
    while (doneChars < text.length) {
      const cut = cutFirst(text.slice(doneChars, doneChars + MAX_BLOCK_CHARS * 2));
      if (cut.chars === 0) {
        open = cut.block;
        break;
      }
      if (cut.block) finished.push(cut.block);
      doneChars += cut.chars;
    }
    if (finished.length > 0) done = [...done, ...finished];
    return open ? [...done, open] : done;
  };
}

/** The first block and its length; a length of 0 when more text could still change the block. */
function cutFirst(rest: string): { block: Block | null; chars: number } {
  const blank = /^(?:[ \t]*\n)+/.exec(rest);
  if (blank) return { block: null, chars: blank[0].length };
  return cutFence(rest) ?? cutMarkdown(rest);
}

function cutFence(rest: string): { block: Block; chars: number } | null {
  const fence = FENCE.exec(rest);
  if (!fence) return null;
  const [head, marks = '', info = ''] = fence;
  const language = info.trim().split(/\s/)[0] ?? '';
  const end = new RegExp(
    String.raw`^ {0,3}${marks[0] === '~' ? '~' : '`'}{${marks.length},}[ \t]*(?:\n|$)`,
    'm',
  );
  const close = end.exec(rest.slice(head.length));
  if (!close)
    return { block: { kind: 'code', text: rest.slice(head.length), language }, chars: tooLong(rest) };
  const text = rest.slice(head.length, head.length + close.index).replace(/\n$/, '');
  const chars = head.length + close.index + close[0].length;
  return { block: { kind: 'code', text, language }, chars: close[0].endsWith('\n') ? chars : 0 };
}

/** A block that is too long is cut where it is. */
function tooLong(rest: string): number {
  return rest.length > MAX_BLOCK_CHARS ? MAX_BLOCK_CHARS : 0;
}

function cutMarkdown(rest: string): { block: Block; chars: number } {
  for (let size = WINDOW_CHARS; ; size *= 2) {
    const isAll = size >= rest.length;
    const window = isAll ? rest : rest.slice(0, size);
    const end = firstEnd(window);
    if (end !== null) return { block: { kind: 'markdown', text: window.slice(0, end) }, chars: end };
    if (size >= MAX_BLOCK_CHARS && rest.length > MAX_BLOCK_CHARS)
      return { block: { kind: 'plain', text: rest.slice(0, MAX_BLOCK_CHARS) }, chars: MAX_BLOCK_CHARS };
    if (isAll) return { block: { kind: 'markdown', text: rest }, chars: 0 };
  }
}

/** Where the first block certainly ends, because another one has begun. */
function firstEnd(text: string): number | null {
  const { children } = fromMarkdown(text);
  const [first, second] = children;
  if (second) return second.position?.start.offset ?? null;
  if (first?.type !== 'list' || text.length < LIST_CHARS) return null;
  return first.children.at(-1)?.position?.start.offset || null;
}
