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
/** The time that markdown takes grows faster than its length and its marks: beyond these, a block stays plain text. */
const MAX_BLOCK_CHARS = 12_000;
const MAX_MARKS = 600;
/** A longer list is cut between its items. */
const LIST_CHARS = 1_000;
const FENCE = /^ {0,3}(`{3,}(?!.*`)|~{3,})[ \t]*([^\n]*)(?:\n|$)/;

/** What stands inside a line has no part in where a block ends, and is not looked for. */
const BLOCKS_ONLY = {
  disable: {
    null: [
      'attention',
      'autolink',
      'characterEscape',
      'characterReference',
      'codeText',
      'hardBreakEscape',
      'htmlText',
      'labelEnd',
      'labelStartImage',
      'labelStartLink',
    ],
  },
};

/** Blocks that will not change any more, and how much of the text they take; where that is nothing, the open block. */
interface Cut {
  finished: Block[];
  chars: number;
  open: Block | null;
}

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
    const fresh: Block[] = [];
    let open: Block | null = null;
    while (doneChars < text.length && open === null) {
      const cut = cutFirst(text.slice(doneChars, doneChars + MAX_BLOCK_CHARS * 2));
      fresh.push(...cut.finished);
      doneChars += cut.chars;
      ({ open } = cut);
    }
    if (fresh.length > 0) done = [...done, ...fresh];
    return open ? [...done, open] : done;
  };
}

function cutFirst(rest: string): Cut {
  const blank = /^(?:[ \t]*\n)+/.exec(rest);
  if (blank) return { finished: [], chars: blank[0].length, open: null };
  return cutFence(rest) ?? cutMarkdown(rest);
}

function cutFence(rest: string): Cut | null {
  const fence = FENCE.exec(rest);
  if (!fence) return null;
  const [head, marks = '', info = ''] = fence;
  const language = info.trim().split(/\s/)[0] ?? '';
  const code = (text: string): Block => ({ kind: 'code', text, language });
  const end = new RegExp(
    String.raw`^ {0,3}${marks.startsWith('~') ? '~' : '`'}{${marks.length},}[ \t]*(?:\n|$)`,
    'm',
  );
  const close = end.exec(rest.slice(head.length));
  if (!close) {
    if (rest.length <= MAX_BLOCK_CHARS)
      return { finished: [], chars: 0, open: code(rest.slice(head.length)) };
    // Too long: it is cut where it is, and what follows reads as text.
    return {
      finished: [code(rest.slice(head.length, MAX_BLOCK_CHARS))],
      chars: MAX_BLOCK_CHARS,
      open: null,
    };
  }
  const block = code(rest.slice(head.length, head.length + close.index).replace(/\n$/, ''));
  if (!close[0].endsWith('\n')) return { finished: [], chars: 0, open: block };
  return { finished: [block], chars: head.length + close.index + close[0].length, open: null };
}

function cutMarkdown(rest: string): Cut {
  for (let size = WINDOW_CHARS; ; size *= 2) {
    const isAll = size >= rest.length;
    const window = isAll ? rest : rest.slice(0, size);
    const ends = finishedEnds(window);
    const chars = ends.at(-1);
    if (chars !== undefined) {
      const finished = ends.map((end, index) => markdown(window.slice(ends[index - 1] ?? 0, end)));
      return { finished, chars, open: null };
    }
    if (size >= MAX_BLOCK_CHARS && rest.length > MAX_BLOCK_CHARS)
      return {
        finished: [{ kind: 'plain', text: rest.slice(0, MAX_BLOCK_CHARS) }],
        chars: MAX_BLOCK_CHARS,
        open: null,
      };
    if (isAll) return { finished: [], chars: 0, open: markdown(rest) };
  }
}

function markdown(text: string): Block {
  const marks = text.match(/[*_[\]~`<!]/g)?.length ?? 0;
  return { kind: marks > MAX_MARKS ? 'plain' : 'markdown', text };
}

/**
 * Where the blocks end that are certainly finished, because another one has begun; of a long list, its items. Stops before a
 * fence, which is cut in its own way.
 */
function finishedEnds(text: string): number[] {
  const { children } = fromMarkdown(text, { extensions: [BLOCKS_ONLY] });
  const [first] = children;
  if (children.length === 1 && first?.type === 'list' && text.length >= LIST_CHARS)
    return startsOf(first.children);
  const fence = children.findIndex(({ type }, index) => index > 0 && type === 'code');
  return startsOf(fence > 0 ? children.slice(0, fence + 1) : children);
}

/** Where each but the first begins. */
function startsOf(nodes: readonly { position?: { start: { offset?: number } } | undefined }[]): number[] {
  return nodes.slice(1).flatMap(({ position }) => position?.start.offset ?? []);
}
