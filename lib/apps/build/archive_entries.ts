/** Reads the entries of a tar archive, plain or packed with gzip, one after the other and never as a whole. */

import type { FileHandle } from "node:fs/promises";
import type { Readable } from "node:stream";
import type { Extract, Header } from "tar-stream";
import { byteLength } from "../../base/byte_length.ts";
import { AgentError, messageOf } from "../../base/errors.ts";
import { HeldFolder } from "../../files/held_folder.ts";
import { fileNameOf, folderOf } from "../../files/path_parts.ts";

/** One file or folder of an archive. */
export interface ArchiveEntry {
  /** The parts of its path; empty for the root folder. */
  parts: string[];
  /** As it is written in the archive, in quotes, for messages. */
  shownName: string;
  isFolder: boolean;
  sizeBytes: number;
  /** The content; what is not read is skipped. */
  body: AsyncIterable<Uint8Array>;
}

/** What is known of an archive before its first entry. */
export interface ArchiveReading {
  /** Of the archive itself. */
  archiveBytes: number;
  entries: AsyncGenerator<ArchiveEntry, void>;
}

/** Entries of one archive: more than any app has, fewer than fill the table of a file system. */
export const entryLimit = 250_000;

/** An archive may unpack to so many times its size. */
export const unpackFactor = 100;

const partLimitBytes = 255;
const pathLimitBytes = 3_000;

/** Blocks that belong to entries but not to their content; an archive that consists of little else has no end. */
const blockBytes = { perEntry: 16 * 1024, extra: 1024 * 1024 };

const pieceBytesOfArchive = 32 * 1024;

/**
 * Opens the archive at `path`. Its entries must be read to the end, or left. Throws, at once or from the entries,
 * `archive_missing` when there is no such file, `archive_refused` with a sentence that names the entry for one that no
 * app may have (a link, a device, a path that leads elsewhere, …) and for an archive that is damaged, of another
 * format, or too large when unpacked, `canceled`.
 */
export async function openArchive(path: string, signal: AbortSignal): Promise<ArchiveReading> {
  const file = await openFile(path);
  try {
    const { size } = await file.stat();
    const packing = packingOf(await readStart(file));
    if (size === 0) throw archiveRefusal(path, "it is empty");
    if (packing.kind === "foreign") {
      throw archiveRefusal(path, `it is packed with ${packing.name}, and only gzip and plain tar can be read`);
    }
    return {
      archiveBytes: size,
      entries: readEntries(path, { file, size, isPacked: packing.kind === "gzip" }, signal),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The error for an archive that cannot be used. */
export function archiveRefusal(path: string, reason: string, { cause }: { cause?: unknown } = {}): AgentError {
  return new AgentError("archive_refused", `Cannot use the upload "${fileNameOf(path)}": ${reason}`, { cause });
}

async function openFile(path: string): Promise<FileHandle> {
  await using folder = await HeldFolder.open(folderOf(path));
  const file = await folder?.openFile(fileNameOf(path));
  if (file !== undefined) return file;
  throw new AgentError("archive_missing", `There is no upload "${fileNameOf(path)}"; upload the app again`);
}

async function readStart(file: FileHandle): Promise<Uint8Array> {
  const start = new Uint8Array(6);
  const { bytesRead } = await file.read(start, 0, start.length, 0);
  return start.subarray(0, bytesRead);
}

type Packing = { kind: "none" } | { kind: "gzip" } | { kind: "foreign"; name: string };

/** By the first bytes: the name of a file says nothing. */
function packingOf(start: Uint8Array): Packing {
  const hex = start.toHex();
  if (hex.startsWith("1f8b")) return { kind: "gzip" };
  const foreign: readonly [string, string][] = [
    ["425a68", "bzip2"],
    ["fd377a585a00", "xz"],
    ["28b52ffd", "zstd"],
    ["504b0304", "zip"],
    ["1f9d", "compress"],
  ];
  const name = foreign.find(([magic]) => hex.startsWith(magic))?.[1];
  return name === undefined ? { kind: "none" } : { kind: "foreign", name };
}

async function* readEntries(
  path: string,
  { file, size, isPacked }: { file: FileHandle; size: number; isPacked: boolean },
  signal: AbortSignal,
): AsyncGenerator<ArchiveEntry, void> {
  const { extract: createExtract } = await import("tar-stream");
  const extract = createExtract();
  const bytes = await unpackedBytes(file, { isPacked });
  const stop = () => bytes.destroy();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const sum = { entries: 0, contentBytes: 0 };
  const feeding = feed(bytes, extract, (read) => {
    const limit = unpackFactor * size + blockBytes.perEntry * sum.entries + blockBytes.extra;
    if (read > limit) throw archiveRefusal(path, `it unpacks to more than ${unpackFactor} times its size`);
  });
  try {
    for await (const stream of extract) {
      const { header } = stream;
      const entry = { ...decodeEntry(path, header), body: bytesOfEntry(stream) };
      sum.entries += 1;
      sum.contentBytes += entry.sizeBytes;
      assertFits(path, entry, { ...sum, archiveBytes: size });
      yield entry;
      stream.resume();
    }
    await feeding;
    if (signal.aborted) throw new Error("aborted");
  } catch (error) {
    if (signal.aborted) throw new AgentError("canceled", "Reading an upload was canceled");
    if (error instanceof AgentError) throw error;
    throw archiveRefusal(path, `it is truncated or damaged: ${messageOf(error)}`, { cause: error });
  } finally {
    signal.removeEventListener("abort", stop);
    extract.destroy();
    bytes.destroy();
    await feeding.catch(() => {
      // The iteration has had the error.
    });
    await file.close();
  }
}

function assertFits(
  path: string,
  { shownName }: Pick<ArchiveEntry, "shownName">,
  { entries, contentBytes, archiveBytes }: { entries: number; contentBytes: number; archiveBytes: number },
): void {
  if (entries > entryLimit) throw archiveRefusal(path, `it has more than ${entryLimit} entries`);
  if (contentBytes <= unpackFactor * archiveBytes) return;
  throw archiveRefusal(path, `with entry ${shownName} it unpacks to more than ${unpackFactor} times its size`);
}

async function unpackedBytes(file: FileHandle, { isPacked }: { isPacked: boolean }): Promise<Readable> {
  const stream = file.createReadStream({ autoClose: false, start: 0, highWaterMark: pieceBytesOfArchive });
  if (!isPacked) return stream;
  const [{ pipeline }, { createGunzip }] = await Promise.all([import("node:stream"), import("node:zlib")]);
  const gunzip = createGunzip({ chunkSize: pieceBytesOfArchive });
  return pipeline(stream, gunzip, () => {
    // Whoever reads gets the error.
  });
}

async function* bytesOfEntry(stream: AsyncIterable<unknown>): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of stream) if (chunk instanceof Uint8Array) yield chunk;
}

/** Whatever fails here fails the iteration over the entries. */
async function feed(bytes: Readable, extract: Extract, onRead: (bytes: number) => void): Promise<void> {
  let read = 0;
  try {
    for await (const chunk of bytes) {
      if (!(chunk instanceof Uint8Array) || extract.destroyed) break;
      read += chunk.length;
      onRead(read);
      if (!extract.write(chunk)) await untilDrained(extract);
    }
    if (bytes.errored !== null) throw bytes.errored;
    extract.end(null);
  } catch (error) {
    extract.destroy(error instanceof Error ? error : new Error(messageOf(error)));
  }
}

function untilDrained(extract: Extract): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      extract.off("drain", end);
      extract.off("close", end);
      resolve();
    };
    extract.on("drain", end);
    extract.on("close", end);
  });
}

function decodeEntry(path: string, header: Header): Omit<ArchiveEntry, "body"> {
  const { name, type, size = 0, pax } = header;
  const shownName = JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name);
  const refuse = (reason: string) => archiveRefusal(path, `entry ${shownName} ${reason}`);
  const kind = kinds[type ?? ""] ?? { refusal: "is of a kind that no file or folder has" };
  if ("refusal" in kind) throw refuse(kind.refusal);
  if (Object.keys(pax ?? {}).some((key) => key.startsWith("GNU.sparse"))) throw refuse("is a sparse file");
  const isWindows = Deno.build.os === "windows";
  if (/^\//.test(name) || (isWindows && /^(?:[a-z]:|\\)/i.test(name))) throw refuse("has an absolute path");
  if (name.includes("\0")) throw refuse("has a zero byte in its name");
  const all = name.split(isWindows ? /[/\\]/ : "/");
  if (all.includes("..")) throw refuse('has ".." in its path');
  const parts = all.filter((part) => part !== "" && part !== ".");
  const isTooLong = byteLength(name) > pathLimitBytes ||
    parts.some((part) => byteLength(part) > partLimitBytes);
  if (isTooLong) throw refuse("has a name that is too long");
  if (parts.length === 0 && !kind.isFolder) throw refuse("has no name");
  return { parts, shownName, isFolder: kind.isFolder, sizeBytes: kind.isFolder ? 0 : size };
}

const kinds: Readonly<Record<string, { isFolder: boolean } | { refusal: string }>> = {
  "file": { isFolder: false },
  "contiguous-file": { isFolder: false },
  "directory": { isFolder: true },
  "link": { refusal: "is a link" },
  "symlink": { refusal: "is a link" },
  "character-device": { refusal: "is a device" },
  "block-device": { refusal: "is a device" },
  "fifo": { refusal: "is a pipe" },
};
