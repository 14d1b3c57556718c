/** Whether a text has more bytes than this in UTF-8. Lone surrogates count as what replaces them. */
export function isLargerThan(text: string, bytes: number): boolean {
  // A unit is three bytes at most: short texts need no counting.
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
