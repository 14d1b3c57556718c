/** Whether a text has more than `bytes` bytes in UTF-8. A lone surrogate counts as U+FFFD, which replaces it. */
export function isLargerThan(text: string, bytes: number): boolean {
  // A UTF-16 unit has at most three bytes, so short texts need no counting.
  return text.length * 3 > bytes && utf8Bytes(text) > bytes;
}

function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    // A surrogate pair is two units and four bytes.
    if (unit >= 0x80) bytes += unit < 0x800 || (unit >= 0xd800 && unit < 0xe000) ? 1 : 2;
  }
  return bytes;
}
