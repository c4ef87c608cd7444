/** Checksums of files, which are read block by block. */

import { createHash } from "node:crypto";

/** The SHA-256 of a file in hexadecimal digits. */
export async function sha256OfFile(path: string): Promise<string> {
  using file = await Deno.open(path);
  return await sha256Of(file.readable);
}

/** The SHA-256 of a stream in hexadecimal digits; the stream is read to its end. */
export async function sha256Of(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const block of stream) hash.update(block);
  return hash.digest("hex");
}
