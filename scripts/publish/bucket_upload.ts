/** Uploads a file to a bucket in pieces, and goes on where it was after an interruption. */

import { type BucketClient, BucketError, isTransient } from "./bucket_requests.ts";
import { type Content, sizeOf } from "./release_store.ts";

/** A piece; the service wants a multiple of 256 KiB. */
const pieceBytes = 8 * 1_024 * 1_024;

const tries = 5;

/** What is uploaded, and where to. */
export interface Upload {
  bucket: string;
  path: string;
  content: Content;
  cacheControl: string;
  onBytes?: (count: number) => void;
}

/**
 * Uploads a file. It appears when its last byte has arrived. A piece that fails for a moment is tried again from where
 * the service says it is, five times for each piece. Throws `BucketError`.
 */
export async function uploadResumable(client: BucketClient, upload: Upload): Promise<void> {
  const size = await sizeOf(upload.content);
  const session = await startSession(client, { ...upload, size });
  let offset = 0;
  let failures = 0;
  while (offset < size || size === 0) {
    try {
      const next = await sendPiece(client, { session, offset, size, content: upload.content });
      failures = 0;
      upload.onBytes?.((next ?? size) - offset);
      if (next === undefined) return;
      offset = next;
    } catch (error) {
      failures += 1;
      if (!(error instanceof BucketError) || !isTransient(error.status) || failures >= tries) throw error;
      await client.waitBefore(failures);
      const known = await askOffset(client, { session, size });
      if (known === undefined) return;
      offset = known;
    }
  }
}

async function startSession(client: BucketClient, upload: Upload & { size: number }): Promise<string> {
  const { bucket, path, cacheControl, size } = upload;
  const url = new URL(`${client.endpoint}/upload/storage/v1/b/${bucket}/o`);
  url.searchParams.set("uploadType", "resumable");
  url.searchParams.set("name", path);
  const response = await client.send(url.href, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-upload-content-type": "application/octet-stream",
      "x-upload-content-length": String(size),
    },
    body: JSON.stringify({ name: path, cacheControl }),
  });
  await response.body?.cancel();
  const session = response.headers.get("location");
  if (session === null) throw new BucketError(`The upload of ${path} has no session`, { status: response.status });
  return new URL(session, client.endpoint).href;
}

/** Where the next piece begins; undefined when the file is complete. */
async function sendPiece(
  client: BucketClient,
  { session, offset, size, content }: { session: string; offset: number; size: number; content: Content },
): Promise<number | undefined> {
  const end = Math.min(offset + pieceBytes, size);
  const body = await readPiece(content, { offset, end });
  const range = size === 0 ? "bytes */0" : `bytes ${offset}-${end - 1}/${size}`;
  const headers = { "content-range": range };
  const response = await client.sendOnce(session, { method: "PUT", headers, body, expects: [308] });
  return response.status === 308 ? offsetIn(response) : undefined;
}

/** Asks how much the service has; undefined when the file is complete. */
async function askOffset(
  client: BucketClient,
  { session, size }: { session: string; size: number },
): Promise<number | undefined> {
  const headers = { "content-range": `bytes */${size}` };
  const response = await client.send(session, { method: "PUT", headers, body: "", expects: [308] });
  await response.body?.cancel();
  return response.status === 308 ? offsetIn(response) : undefined;
}

function offsetIn(response: Response): number {
  const [, last] = /^bytes=0-(\d+)$/.exec(response.headers.get("range") ?? "") ?? [];
  return last === undefined ? 0 : Number(last) + 1;
}

async function readPiece(
  content: Content,
  { offset, end }: { offset: number; end: number },
): Promise<Uint8Array<ArrayBuffer>> {
  if ("bytes" in content) return content.bytes.slice(offset, end);
  using file = await Deno.open(content.file);
  await file.seek(offset, Deno.SeekMode.Start);
  const piece = new Uint8Array(end - offset);
  for (let at = 0; at < piece.length;) {
    const count = await file.read(piece.subarray(at));
    if (count === null) throw new Error(`"${content.file}" became shorter while it was uploaded`);
    at += count;
  }
  return piece;
}
