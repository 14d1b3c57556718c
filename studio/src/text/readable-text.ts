import { visibleText } from '../../../client/src/index.ts';

/** Emoji, the blanks of good typography, and the joiners that many scripts need inside words: they hide nothing. */
const HARMLESS =
  /(\p{RGI_Emoji}|[\u00A0\u2007\u2009\u202F]|(?<=[\p{L}\p{M}])[\u200C\u200D](?=[\p{L}\p{M}]))/v;

/**
 * Prose as it can be shown: what can't be seen, or reorders what is read, is spelled out. What a person must agree to is
 * shown by visibleText, which makes no exceptions.
 */
export function readableText(text: string): string {
  return text
    .split(HARMLESS)
    .map((piece, index) => (index % 2 === 1 ? piece : visibleText(piece)))
    .join('');
}
