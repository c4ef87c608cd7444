/** Opens what an earlier download has left, and takes its digests. */

import type { Hash } from "node:crypto";
import { withFileError } from "./os_error.ts";

/** A file that is being downloaded, open at its end. To be closed. */
export interface PartialFile {
  file: Deno.FsFile;
  size: number;
  /** Of what is there. */
  hashes: ContentHashes;
  newHashes(): ContentHashes;
}

/** The digests that checksums and signatures are made of. */
export interface ContentHashes {
  sha256: Hash;
  blake2b512: Hash;
}

/** What a file is verified by. */
export interface ContentDigests {
  sizeBytes: number;
  /** 64 hexadecimal digits in lower case. */
  sha256: string;
  blake2b512: Uint8Array<ArrayBuffer>;
}

/** How much is read at once. */
const hashBlockBytes = 256 * 1024;

/**
 * Opens the file at `path`, or creates it with mode 0600. What is no file is removed, as is what is larger than
 * `limitBytes`. Throws `io_failed`, `no_space`.
 */
export async function openPartial(path: string, { limitBytes }: { limitBytes: number }): Promise<PartialFile> {
  // Loaded on first use: it costs start time.
  const { createHash } = await import("node:crypto");
  const newHashes = () => ({ sha256: createHash("sha256"), blake2b512: createHash("blake2b512") });
  return await withFileError(`Cannot write "${path}"`, async () => {
    await removeForeign(path);
    const file = await Deno.open(path, { read: true, write: true, create: true, mode: 0o600 });
    try {
      if ((await file.stat()).size > limitBytes) await file.truncate(0);
      const hashes = newHashes();
      return { file, size: await hashFile(file, hashes), hashes, newHashes };
    } catch (error) {
      file.close();
      throw error;
    }
  });
}

/** Size and digests of a file that is whole; undefined when there is none. Throws `io_failed`. */
export async function digestsOfFile(path: string): Promise<ContentDigests | undefined> {
  const { createHash } = await import("node:crypto");
  return await withFileError(`Cannot read "${path}"`, async () => {
    try {
      using file = await Deno.open(path);
      const hashes = { sha256: createHash("sha256"), blake2b512: createHash("blake2b512") };
      return digestsOf(await hashFile(file, hashes), hashes);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  });
}

/** The result of hashing `sizeBytes` bytes. The hashes cannot be used afterwards. */
export function digestsOf(sizeBytes: number, { sha256, blake2b512 }: ContentHashes): ContentDigests {
  return { sizeBytes, sha256: sha256.digest("hex"), blake2b512: new Uint8Array(blake2b512.digest()) };
}

/** Reads a file to its end, and returns how long it is. Other work goes on meanwhile. */
async function hashFile(file: Deno.FsFile, hashes: ContentHashes): Promise<number> {
  const block = new Uint8Array(hashBlockBytes);
  let size = 0;
  for (let read = await file.read(block); read !== null; read = await file.read(block)) {
    hashes.sha256.update(block.subarray(0, read));
    hashes.blake2b512.update(block.subarray(0, read));
    size += read;
  }
  return size;
}

/** A link would lead the bytes elsewhere, and a pipe would wait. */
async function removeForeign(path: string): Promise<void> {
  try {
    if (!(await Deno.lstat(path)).isFile) await Deno.remove(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
