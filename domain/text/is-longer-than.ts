/** Whether a text has more than `characters` code points. A text of megabytes costs no more than a short one. */
export function isLongerThan(text: string, characters: number): boolean {
  if (text.length <= characters) return false;
  // A code point has at most two UTF-16 units.
  return text.length > characters * 2 || Array.from(text).length > characters;
}
