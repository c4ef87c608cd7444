/** Finds where the last lines of a file begin. */

import { lineFeed } from "../base/bytes.ts";

const tailPieceBytes = 64 * 1024;

/** The offset at which the last `wanted` lines of a file begin, and how many there are. Reads no further. */
export async function findTail(file: Deno.FsFile, wanted: number): Promise<{ offset: number; lines: number }> {
  const { size } = await file.stat();
  if (wanted <= 0 || size === 0) return { offset: size, lines: 0 };
  const buffer = new Uint8Array(tailPieceBytes);
  let lines = 0;
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - tailPieceBytes);
    await file.seek(start, Deno.SeekMode.Start);
    const count = await file.read(buffer.subarray(0, end - start)) ?? 0;
    for (let at = count - 1; at >= 0; at -= 1) {
      // The one at the very end ends the last line.
      if (buffer[at] !== lineFeed || start + at === size - 1) continue;
      lines += 1;
      if (lines === wanted) return { offset: start + at + 1, lines };
    }
    // The file was cut meanwhile.
    if (count < end - start) return { offset: 0, lines };
    end = start;
  }
  return { offset: 0, lines: lines + 1 };
}
