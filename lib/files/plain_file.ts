/** Opens files so that nothing but a file is opened: a pipe would wait for its other end, a device may do anything. */

import type { FileHandle } from "node:fs/promises";
import { AgentError } from "../base/errors.ts";

/**
 * Opens the file at `path`, following links. To be disposed. Throws `io_failed` when something else is there, and the
 * system's errors.
 */
export async function openPlainFile(path: string, { isWritable = false } = {}): Promise<FileHandle> {
  const { constants, open } = await import("node:fs/promises");
  const notWaiting = Deno.build.os === "windows" ? 0 : constants.O_NONBLOCK;
  const notFile = () => new AgentError("io_failed", `Cannot open "${path}": it is not a file`);
  // Opening a device file can have effects; whoever swaps names after this look wins nothing but that.
  if (!(await Deno.stat(path)).isFile) throw notFile();
  const file = await open(path, (isWritable ? constants.O_RDWR : constants.O_RDONLY) | notWaiting);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw notFile();
}
