/** Whether a text has more than this many characters (code points). A text of megabytes costs no more than a short one. */
export function isLongerThan(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  // A character takes two places of the text at most.
  return text.length > characters * 2 || Array.from(text).length > characters;
}
