/** Overwrites a file that cannot be replaced by a rename, so that an interrupted write can be recognized. */

import { lineFeed } from "../base/bytes.ts";
import { tryRemove } from "./leftovers.ts";
import { writeAll } from "./write_all.ts";

/**
 * Writes `bytes` to the file at `path`. `temporary` is where a whole copy of them may lie; it is removed when the file
 * is complete.
 *
 * The file first gets the longer of both lengths, which fails on a full disk while the old content is still whole; then
 * all of the new content; then its own length. For text the rest is line breaks, so that an interrupted write leaves no
 * half of the other content; and when a whole copy exists, its first character is a line break before everything else
 * is written, and is written last. Disks write the blocks of a file in any order, and a mixture of two texts of the
 * same shape would look like a third one.
 */
export async function overwriteFile(
  path: string,
  bytes: Uint8Array,
  { isText, temporary }: { isText: boolean; temporary: string },
): Promise<void> {
  using file = await Deno.open(path, { write: true });
  const { size } = await file.stat();
  if (isText && size < bytes.length) await grow(file, { size, byBytes: bytes.length - size, temporary });
  const filled = new Uint8Array(isText ? Math.max(size, bytes.length) : bytes.length).fill(lineFeed);
  filled.set(bytes);
  const first = isText && await isFile(temporary) ? 1 : 0;
  if (first > 0) await writeAt(file, new Uint8Array([lineFeed]), { at: 0 });
  await writeAt(file, filled.subarray(first), { at: first });
  if (first > 0) await writeAt(file, filled.subarray(0, first), { at: 0 });
  await file.truncate(bytes.length);
  await file.sync();
  // When a disk fails before this point, it is the only whole copy.
  await tryRemove(temporary);
}

/** The old content is still whole when this fails, and the copy of the new one is no longer needed. */
async function grow(
  file: Deno.FsFile,
  options: { size: number; byBytes: number; temporary: string },
): Promise<void> {
  try {
    await file.seek(options.size, Deno.SeekMode.Start);
    await writeAll(file, new Uint8Array(options.byBytes).fill(lineFeed));
  } catch (error) {
    await file.truncate(options.size);
    await tryRemove(options.temporary);
    throw error;
  }
}

async function writeAt(file: Deno.FsFile, bytes: Uint8Array, { at }: { at: number }): Promise<void> {
  await file.seek(at, Deno.SeekMode.Start);
  await writeAll(file, bytes);
  await file.sync();
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
