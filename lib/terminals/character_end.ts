/** Where text can be cut without splitting a character. Pure. */

/**
 * How many of the bytes end with a whole character of UTF-8: all of them, or all but the last one to three, which begin
 * a character that is not complete. Bytes that are not UTF-8 count as whole.
 */
export function characterEnd(bytes: Uint8Array): number {
  const last = bytes.length - 1;
  for (let at = last; at >= 0 && at > last - 4; at -= 1) {
    const byte = bytes[at] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    return at + sequenceBytes(byte) > bytes.length ? at : bytes.length;
  }
  return bytes.length;
}

/** How many bytes the character has that begins with this byte; one for a byte that begins none. */
function sequenceBytes(byte: number): number {
  if (byte >= 0xf0 && byte <= 0xf7) return 4;
  if (byte >= 0xe0 && byte <= 0xef) return 3;
  return byte >= 0xc0 && byte <= 0xdf ? 2 : 1;
}
